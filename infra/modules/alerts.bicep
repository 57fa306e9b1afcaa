// Who is told, and of what. Every rule asks Application Insights for what the hub itself sends each minute.
// A gauge is sent once a minute, so that the sum of one sample is its value.
param token string
param location string
param tags object
param insightsId string
param email string
param failedRecordsThreshold int
param serverErrorsThreshold int

// The name of a rule is what the guide's list of alerts goes by. measure: column that is compared; dimensions: columns
// that tell one alert from another, so that each object or queue fires and clears on its own.
var rules = [
  {
    name: 'hub-silent'
    title: 'The hub says nothing'
    why: 'Not one sign of life in 15 minutes: the app does not run, or its telemetry does not arrive.'
    severity: 1
    window: 'PT15M'
    query: '''
customMetrics
| where name == "hub.healthy"
| summarize samples = count()
'''
    measure: 'samples'
    aggregation: 'Total'
    operator: 'LessThan'
    threshold: 1
    dimensions: []
  }
  {
    name: 'hub-unhealthy'
    title: 'The hub is not healthy'
    why: 'Health failed at every look in 15 minutes; GET /api/health says why.'
    severity: 1
    window: 'PT15M'
    query: '''
customMetrics
| where name == "hub.healthy"
| summarize best = max(valueSum)
| where best < 1
| extend unhealthy = 1
'''
    measure: 'unhealthy'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: []
  }
  {
    name: 'hub-overdue'
    title: 'A last good run is too old'
    why: 'The object named has not had a good run for longer than its schedule allows.'
    severity: 1
    window: 'PT15M'
    query: '''
customMetrics
| where name == "hub.overdue"
| extend template = tostring(customDimensions["template"]), object = tostring(customDimensions["object"])
| summarize arg_max(timestamp, valueSum) by template, object
| project template, object, overdue = valueSum
'''
    measure: 'overdue'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: ['template', 'object']
  }
  {
    name: 'hub-failures'
    title: 'Many records fail'
    why: 'More records of the object named failed within an hour than the threshold allows.'
    severity: 2
    window: 'PT1H'
    query: '''
customMetrics
| where name == "hub.records" and tostring(customDimensions["outcome"]) == "failed"
| extend template = tostring(customDimensions["template"]), object = tostring(customDimensions["object"])
| summarize failed = sum(valueSum) by template, object
'''
    measure: 'failed'
    aggregation: 'Total'
    operator: 'GreaterThanOrEqual'
    threshold: failedRecordsThreshold
    dimensions: ['template', 'object']
  }
  {
    name: 'hub-poison'
    title: 'A poison queue is not empty'
    why: 'Messages that failed again and again lie in the poison queue named.'
    severity: 2
    window: 'PT15M'
    query: '''
customMetrics
| where name == "hub.poison.messages"
| extend queue = tostring(customDimensions["queue"])
| summarize arg_max(timestamp, valueSum) by queue
| project queue, messages = valueSum
'''
    measure: 'messages'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: ['queue']
  }
  {
    name: 'hub-server-errors'
    title: 'The hub answers with errors'
    why: 'Requests were answered with 5xx. Health itself does not count: its 503 is an answer, and has its own alert.'
    severity: 2
    window: 'PT15M'
    query: '''
requests
| where toint(resultCode) >= 500 and tolower(name) !endswith "health"
| summarize errors = count()
'''
    measure: 'errors'
    aggregation: 'Total'
    operator: 'GreaterThanOrEqual'
    threshold: serverErrorsThreshold
    dimensions: []
  }
]

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'hub'
    emailReceivers: empty(email) ? [] : [
      {
        name: 'hub'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: '${rule.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.why
    enabled: true
    severity: rule.severity
    scopes: [insightsId]
    evaluationFrequency: 'PT5M'
    windowSize: rule.window
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: rule.measure
          timeAggregation: rule.aggregation
          operator: rule.operator
          threshold: rule.threshold
          dimensions: [for dimension in rule.dimensions: {
            name: dimension
            operator: 'Include'
            values: ['*']
          }]
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [mail.id]
    }
  }
}]
