// The plan, the app, its settings, who may call it.
param token string
param location string
param tags object
param identityId string
param identityClientId string
@description('Subnet that the app is put into; empty means none.')
param subnetId string
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param blobEndpoint string
param queueEndpoint string
param tableEndpoint string
param packageContainer string
param vaultUri string
param insightsConnection string
param easyAuthEnabled bool
param easyAuthClientId string
param sapBaseUrl string
param sapCompanyDb string
param sapUser string
param sapTimeZone string
param sapConcurrency int
param sapCaBundle string
param dataverseUrl string
param dataverseAuthentication string
param dataverseTenantId string
param dataverseClientId string
param dataverseAuthority string
param dataverseCaBundle string
param tagrainConnections array
param tagrainCaBundle string
param hubBaseUrl string
param hubSliceSize int
param hubTimes string
param hubTraceRatio string
param scheduleTick string
param sweeperTick string

// Without an address none of Dataverse's settings may be set.
var dataverseBy = empty(dataverseUrl) ? 'none' : dataverseAuthentication
var dataverseRegistration = dataverseBy == 'secret' || dataverseBy == 'certificate'

// An empty setting counts as none. Of the names with a blank here, one or more are blank by choice of a parameter.
var settings = {
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  AzureWebJobsStorage__tableServiceUri: tableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
  PYTHON_ENABLE_OPENTELEMETRY: 'true'
  SAP_BASE_URL: sapBaseUrl
  SAP_COMPANY_DB: sapCompanyDb
  SAP_USER: sapUser
  SAP_PASSWORD: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/SAP-PASSWORD)'
  SAP_CA_BUNDLE: sapCaBundle
  SAP_TIMEZONE: sapTimeZone
  SAP_CONCURRENCY: string(sapConcurrency)
  DATAVERSE_URL: dataverseUrl
  DATAVERSE_TENANT_ID: dataverseRegistration ? dataverseTenantId : ''
  DATAVERSE_CLIENT_ID: dataverseRegistration ? dataverseClientId : ''
  DATAVERSE_CLIENT_SECRET: dataverseBy == 'secret' ? '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/DATAVERSE-CLIENT-SECRET)' : ''
  DATAVERSE_CERTIFICATE: dataverseBy == 'certificate' ? '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/DATAVERSE-CERTIFICATE)' : ''
  DATAVERSE_MANAGED_IDENTITY_CLIENT_ID: dataverseBy == 'managedIdentity' ? identityClientId : ''
  DATAVERSE_AUTHORITY: dataverseAuthority
  DATAVERSE_CA_BUNDLE: dataverseCaBundle
  TAGRAIN_CA_BUNDLE: tagrainCaBundle
  HUB_BASE_URL: empty(hubBaseUrl) ? 'https://${site.properties.defaultHostName}' : hubBaseUrl
  HUB_FINGERPRINT_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/HUB-FINGERPRINT-KEY)'
  HUB_TOKEN_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/HUB-TOKEN-KEY)'
  HUB_ADMIN_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/HUB-ADMIN-KEY)'
  HUB_EASY_AUTH: easyAuthEnabled ? 'true' : 'false'
  HUB_SLICE_SIZE: string(hubSliceSize)
  HUB_TIMES: hubTimes
  HUB_TRACE_RATIO: hubTraceRatio
  SCHEDULE_TICK: scheduleTick
  SWEEPER_TICK: sweeperTick
}
var tagrainUrls = toObject(tagrainConnections, connection => 'TAGRAIN_${connection.name}_URL', connection => connection.url)
var tagrainKeys = toObject(
  tagrainConnections,
  connection => 'TAGRAIN_${connection.name}_API_KEY',
  connection => '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${replace('TAGRAIN-${connection.name}-API-KEY', '_', '-')})'
)

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'hub' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      remoteDebuggingEnabled: false
      http20Enabled: true
      cors: {
        allowedOrigins: []
        supportCredentials: false
      }
    }
  }
}

// After authentication: the hub must not trust a principal's header before the platform writes it.
resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  dependsOn: [authentication]
  properties: union(settings, tagrainUrls, tagrainKeys)
}

// Requests without a sign-in pass: the app itself decides, and links to a run's status work without one.
resource authentication 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: easyAuthEnabled
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: easyAuthEnabled
        registration: {
          clientId: easyAuthClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: ['api://${easyAuthClientId}', easyAuthClientId]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
