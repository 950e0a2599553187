//! The table as the template defines it.

use crate::server::{config, new_name, root};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TimeToLiveSpecification,
    },
};
use cloud::DynamoStore;
use serde_json::Value;
use std::time::Duration;

/// How long rows outlive their topics in tests.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A store in a table of its own.
pub async fn store(name: &str) -> DynamoStore {
    let (config, name) = (config().await, new(name).await);
    DynamoStore::new(&config, name, KEPT)
}

/// An empty table whose name begins with this one.
pub async fn new(name: &str) -> String {
    let name = new_name(name);
    create(&config().await, &name).await;
    name
}

/// Makes the table with what `infra/template.yaml` says of it.
async fn create(config: &SdkConfig, name: &str) {
    let wanted = properties();
    let entries = |name: &str| wanted[name].as_array().unwrap().clone();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let mut call = Client::new(config)
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::from(text(&wanted, "BillingMode").as_str()));
    for entry in entries("AttributeDefinitions") {
        let kind = ScalarAttributeType::from(text(&entry, "AttributeType").as_str());
        let attribute =
            AttributeDefinition::builder().attribute_name(text(&entry, "AttributeName")).attribute_type(kind);
        call = call.attribute_definitions(attribute.build().unwrap());
    }
    for entry in entries("KeySchema") {
        let kind = KeyType::from(text(&entry, "KeyType").as_str());
        let element =
            KeySchemaElement::builder().attribute_name(text(&entry, "AttributeName")).key_type(kind);
        call = call.key_schema(element.build().unwrap());
    }
    assert!(wanted.get("GlobalSecondaryIndexes").is_none(), "make them here too");
    call.send().await.unwrap();
    let live = &wanted["TimeToLiveSpecification"];
    let live = TimeToLiveSpecification::builder()
        .attribute_name(text(live, "AttributeName"))
        .enabled(live["Enabled"].as_bool().unwrap());
    let call = Client::new(config).update_time_to_live().table_name(name);
    call.time_to_live_specification(live.build().unwrap()).send().await.unwrap();
}

/// The properties of the template's `Table`, which use no functions of CloudFormation.
fn properties() -> Value {
    let template = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let lines = template.lines().skip_while(|line| *line != "  Table:");
    let table: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let table: Value = serde_saphyr::from_str(&table.join("\n")).unwrap();
    table["Table"]["Properties"].clone()
}
