"""The engine: plan, deliver, merge, park, schedule, explain, sweep; it knows no vendor."""
