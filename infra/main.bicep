// The whole hub in one resource group. Plain resources only, so that everything can be checked without a network.
// What a parameter means for the hub is told by the README's table of settings; infra/README.md tells what is created.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment; all names are made of it and of a token.')
param environmentName string

@minLength(1)
@description('Azure region that has Flex Consumption.')
param location string

@description('Resource group that is created and holds everything.')
param resourceGroupName string = 'rg-${environmentName}'

@allowed([512, 2048, 4096])
@description('Memory of one instance, in MB.')
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
@description('Most instances of each function group on its own: all HTTP functions together, every queue and every timer apart.')
param maximumInstanceCount int = 40

@minValue(1)
@maxValue(1000)
@description('HTTP requests that one instance answers at once.')
param httpConcurrency int = 16

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
@description('Redundancy of the storage that holds the hub\'s state.')
param storageSku string = 'Standard_ZRS'

@minValue(7)
@maxValue(365)
@description('Days for which deleted blobs can be brought back.')
param softDeleteDays int = 14

@minValue(30)
@maxValue(730)
@description('Days for which telemetry is kept.')
param logRetentionDays int = 30

@description('Puts the app into a virtual network and closes storage and vault to the internet.')
param vnetEnabled bool = false

@description('Addresses of that network; its first half is the app\'s, the second the private endpoints\'.')
param vnetAddressPrefix string = '10.80.0.0/24'

@description('Whether people sign in with Microsoft Entra. Without it there are only function keys and the admin key.')
param easyAuthEnabled bool = true

@description('Application (client) id of the app registration that people sign in to.')
param easyAuthClientId string = ''

@description('Address of SAP\'s Service Layer, https://host:50000/b1s/v2.')
param sapBaseUrl string

@description('Company database of SAP.')
param sapCompanyDb string

@description('SAP user that the hub works as.')
param sapUser string

@secure()
@description('Its password. Written to the vault once, if given; never over one that is there.')
param sapPassword string = ''

@description('IANA time zone of the SAP server.')
param sapTimeZone string = 'UTC'

@minValue(1)
@maxValue(100)
@description('Requests to SAP at once per instance.')
param sapConcurrency int = 8

@description('Path in the package of a CA bundle for SAP\'s certificate.')
param sapCaBundle string = ''

@description('Address of Dataverse; empty means that there is no Dynamics.')
param dataverseUrl string = ''

@allowed(['managedIdentity', 'secret', 'certificate'])
@description('How the hub signs in to Dataverse.')
param dataverseAuthentication string = 'managedIdentity'

@description('Client id of the app registration; only for secret and certificate.')
param dataverseClientId string = ''

@description('Tenant of Dataverse; only for secret and certificate.')
param dataverseTenantId string = tenant().tenantId

@description('Authority that signs in to Dataverse.')
param dataverseAuthority string = environment().authentication.loginEndpoint

@secure()
@description('Client secret. Written to the vault once, if given; never over one that is there.')
param dataverseClientSecret string = ''

@secure()
@description('Certificate and key as PEM. Written to the vault once, if given; never over one that is there.')
param dataverseCertificate string = ''

@description('Path in the package of a CA bundle for Dataverse.')
param dataverseCaBundle string = ''

@description('Connections to Tagrain. Names are of capitals, digits and underscores.')
param tagrainConnections array = []

@secure()
@description('API keys of the connections, NAME=key;NAME=key. Written once each; never over one that is there.')
param tagrainApiKeys string = ''

@description('Path in the package of a CA bundle for Tagrain.')
param tagrainCaBundle string = ''

@description('Address of the hub in links, where it is not the app\'s own.')
param hubBaseUrl string = ''

@minValue(1)
@maxValue(1000)
@description('Records of one slice.')
param hubSliceSize int = 100

@description('Durations that differ from the built-in ones, as JSON.')
param hubTimes string = ''

@description('Share of traces that are kept besides failures, 0 to 1.')
param hubTraceRatio string = '1.0'

@description('When schedules are looked at, as NCRONTAB in UTC.')
param scheduleTick string = '0 */5 * * * *'

@description('When the sweeper runs, as NCRONTAB in UTC.')
param sweeperTick string = '0 * * * * *'

@description('Who gets the alerts by mail; empty means that alerts are only listed in the portal.')
param alertEmail string = ''

@minValue(1)
@description('Failed records of one object within an hour from which on an alert fires.')
param failedRecordsThreshold int = 10

@minValue(1)
@description('Answers 5xx within 15 minutes from which on an alert fires.')
param serverErrorsThreshold int = 5

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var access = vnetEnabled ? 'Disabled' : 'Enabled'
var noClientId = 'easyAuthClientId is missing: name the app registration, or set easyAuthEnabled to false.'
var authClientId = easyAuthEnabled && empty(easyAuthClientId) ? fail(noClientId) : easyAuthClientId

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    token: token
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    retentionDays: logRetentionDays
  }
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  scope: group
  name: 'network'
  params: {
    token: token
    location: location
    tags: tags
    addressPrefix: vnetAddressPrefix
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    sku: storageSku
    principalId: identity.outputs.principalId
    publicNetworkAccess: access
    softDeleteDays: softDeleteDays
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    publicNetworkAccess: access
    sapPassword: sapPassword
    dataverseClientSecret: dataverseClientSecret
    dataverseCertificate: dataverseCertificate
    tagrainConnections: tagrainConnections
    tagrainApiKeys: tagrainApiKeys
  }
}

module endpoints 'modules/endpoints.bicep' = if (vnetEnabled) {
  scope: group
  name: 'endpoints'
  params: {
    token: token
    location: location
    tags: tags
    networkId: vnetEnabled ? network!.outputs.id : ''
    subnetId: vnetEnabled ? network!.outputs.endpointSubnetId : ''
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
  }
}

module app 'modules/app.bicep' = {
  scope: group
  name: 'app'
  dependsOn: [endpoints]
  params: {
    token: token
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    packageContainer: storage.outputs.packageContainer
    vaultUri: vault.outputs.uri
    insightsConnection: monitoring.outputs.connectionString
    easyAuthEnabled: easyAuthEnabled
    easyAuthClientId: authClientId
    sapBaseUrl: sapBaseUrl
    sapCompanyDb: sapCompanyDb
    sapUser: sapUser
    sapTimeZone: sapTimeZone
    sapConcurrency: sapConcurrency
    sapCaBundle: sapCaBundle
    dataverseUrl: dataverseUrl
    dataverseAuthentication: dataverseAuthentication
    dataverseTenantId: dataverseTenantId
    dataverseClientId: dataverseClientId
    dataverseAuthority: dataverseAuthority
    dataverseCaBundle: dataverseCaBundle
    tagrainConnections: tagrainConnections
    tagrainCaBundle: tagrainCaBundle
    hubBaseUrl: hubBaseUrl
    hubSliceSize: hubSliceSize
    hubTimes: hubTimes
    hubTraceRatio: hubTraceRatio
    scheduleTick: scheduleTick
    sweeperTick: sweeperTick
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    token: token
    location: location
    tags: tags
    insightsId: monitoring.outputs.id
    email: alertEmail
    failedRecordsThreshold: failedRecordsThreshold
    serverErrorsThreshold: serverErrorsThreshold
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = app.outputs.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output AZURE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output HUB_URL string = app.outputs.url
