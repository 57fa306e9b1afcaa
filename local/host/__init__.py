"""The Azure Functions host for one machine: it triggers, Microsoft's own worker library does the rest.

``python -m local.host --app DIR`` serves a Python (v2 model) function app. Indexing, binding conversion and invocation
are done by ``azure-functions-runtime``, the library that Azure itself runs from Python 3.13 on; this package takes the
place of the host process around it. Sources: the Azure Functions host, the WebJobs SDK storage and timer extensions
(behaviour read from their source), the Functions documentation.

Emulated
    * HTTP: routes with prefix, parameters and constraints; the first registered match wins and the method is part of
      the match (404, never 405); authorization levels with host and master key; what the host does to headers, query
      values and chunked bodies; an empty 500 for a failed function.
    * Queues: batches with newBatchThreshold, message lock of ten minutes renewed at half time, retries with
      visibilityTimeout, maxDequeueCount and ``-poison``, base64, idle back-off up to maxPollingInterval.
    * Timers: NCRONTAB and intervals, singleton over all host processes of one storage account, persisted status, one
      past-due run for any number of missed ones, runOnStartup, useMonitor.
    * Processes: FUNCTIONS_WORKER_PROCESS_COUNT workers used in turn, functionTimeout kills the worker, a dead worker
      is replaced. Several host processes of one app on one storage account behave as instances of it.
    * ``POST /admin/functions/{name}``, ``GET /admin/host/status``, ``AzureWebJobs.<name>.Disabled``, ``%SETTING%``.

Not emulated
    Output and input bindings and other triggers (refused at start), function retry policies, per-function keys, HTTP
    streaming, App Service authentication, scale controller, dynamic concurrency, drain mode, throttling by the host,
    time zones for timers (UTC only), identity-based connections. Timers keep their status and lease in a table
    (``hosttimers``) where Azure uses blobs, and sub-minute schedules are monitored too.

Settings of the emulation itself (environment or settings file): LOCAL_HOST_MESSAGE_LOCK_SECONDS (600),
LOCAL_HOST_TIMER_LEASE_SECONDS (15), LOCAL_HOST_STOP_GRACE_SECONDS (5), LOCAL_HOST_FUNCTION_KEY,
LOCAL_HOST_MASTER_KEY (both made up once per app and storage account unless given).
"""
