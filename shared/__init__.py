"""The hub itself: what runs on Azure Functions."""
