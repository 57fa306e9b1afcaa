"""Everything for one machine: functions host, simulators, sample company, demo."""
