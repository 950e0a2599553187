//! How the cluster is reached from a function.

use crate::{Access, Environment, FunctionError};
use aws_config::SdkConfig;
use broker::{KafkaConfig, Security, Token, TokenSource};
use cloud::{MskAccess, MskTokens};
use std::{error::Error, sync::Arc};

pub(crate) async fn config(environment: &Environment, aws: &SdkConfig) -> Result<KafkaConfig, FunctionError> {
    let bootstrap = bootstrap(environment, aws).await?;
    Ok(KafkaConfig {
        security: security(environment, aws).await?,
        authorities: environment.authorities.clone(),
        retention: environment.topic_retention,
        replication: environment.replication,
        delivery_timeout: environment.delivery_timeout,
        ..KafkaConfig::plaintext(bootstrap)
    })
}

/// Where it is.
pub(crate) async fn bootstrap(environment: &Environment, aws: &SdkConfig) -> Result<String, FunctionError> {
    match (&environment.bootstrap, &environment.msk_cluster) {
        (Some(bootstrap), _) => Ok(bootstrap.clone()),
        (None, Some(cluster)) => Ok(cloud::msk_brokers(aws, cluster, msk_access(environment.access)).await?),
        (None, None) => Err(FunctionError::variable("KAFKA_BOOTSTRAP", "is missing")),
    }
}

fn msk_access(access: Access) -> MskAccess {
    match access {
        Access::Plaintext | Access::ScramWithoutTls => MskAccess::Plaintext,
        Access::Tls => MskAccess::Tls,
        Access::Scram => MskAccess::Scram,
        Access::Iam => MskAccess::Iam,
    }
}

async fn security(environment: &Environment, aws: &SdkConfig) -> Result<Security, FunctionError> {
    let tls = match environment.access {
        Access::Plaintext => return Ok(Security::Plaintext),
        Access::Tls => return Ok(Security::Tls),
        Access::Iam => {
            return Ok(Security::Tokens { source: Arc::new(ByRole(cloud::msk_tokens(aws)?)), tls: true });
        }
        Access::Scram => true,
        Access::ScramWithoutTls => false,
    };
    let Some(arn) = &environment.secret else {
        return Err(FunctionError::variable("KAFKA_SECRET_ARN", "is missing"));
    };
    let login = cloud::login(aws, arn).await?;
    Ok(Security::Scram { username: login.username, password: login.password, tls })
}

/// Tokens that MSK takes for the function's role.
#[derive(Debug)]
struct ByRole(MskTokens);

impl TokenSource for ByRole {
    fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
        let (value, expires) = self.0.token()?;
        Ok(Token { value, principal: String::new(), expires })
    }
}
