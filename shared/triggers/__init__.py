"""What starts the hub's work: HTTP requests, queue messages, timers. They parse, call one function, shape the answer."""
