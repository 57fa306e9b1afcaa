// The secrets. Each is written only while it does not exist: neither a redeployment nor a value that is still in the
// environment goes over one that was changed since. The hub's own keys are made up here, once.
param name string
param location string
param tags object
param principalId string
@description('Disabled where only private endpoints lead to it.')
@allowed(['Enabled', 'Disabled'])
param publicNetworkAccess string
@secure()
param sapPassword string
@secure()
param dataverseClientSecret string
@secure()
param dataverseCertificate string
param tagrainConnections array
@secure()
param tagrainApiKeys string

@secure()
param newFingerprintKey string = '${newGuid()}-${newGuid()}'
@secure()
param newTokenKey string = '${newGuid()}-${newGuid()}'
@secure()
param newAdminKey string = '${newGuid()}-${newGuid()}'

var tagrainWithKey = filter(tagrainConnections, connection => contains(';${tagrainApiKeys}', ';${connection.name}='))
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: publicNetworkAccess
    networkAcls: {
      defaultAction: publicNetworkAccess == 'Disabled' ? 'Deny' : 'Allow'
      bypass: 'AzureServices'
    }
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

@onlyIfNotExists()
resource fingerprintKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'HUB-FINGERPRINT-KEY'
  properties: {
    contentType: 'text/plain'
    value: newFingerprintKey
  }
}

@onlyIfNotExists()
resource tokenKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'HUB-TOKEN-KEY'
  properties: {
    contentType: 'text/plain'
    value: newTokenKey
  }
}

@onlyIfNotExists()
resource adminKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'HUB-ADMIN-KEY'
  properties: {
    contentType: 'text/plain'
    value: newAdminKey
  }
}

@onlyIfNotExists()
resource sap 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(sapPassword)) {
  parent: vault
  name: 'SAP-PASSWORD'
  properties: {
    contentType: 'text/plain'
    value: sapPassword
  }
}

@onlyIfNotExists()
resource dataverseSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(dataverseClientSecret)) {
  parent: vault
  name: 'DATAVERSE-CLIENT-SECRET'
  properties: {
    contentType: 'text/plain'
    value: dataverseClientSecret
  }
}

@onlyIfNotExists()
resource dataversePem 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(dataverseCertificate)) {
  parent: vault
  name: 'DATAVERSE-CERTIFICATE'
  properties: {
    contentType: 'application/x-pem-file'
    value: dataverseCertificate
  }
}

@onlyIfNotExists()
resource tagrain 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [for connection in tagrainWithKey: {
  parent: vault
  name: replace('TAGRAIN-${connection.name}-API-KEY', '_', '-')
  properties: {
    contentType: 'text/plain'
    value: first(split(last(split(';${tagrainApiKeys}', ';${connection.name}=')), ';'))
  }
}]

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
