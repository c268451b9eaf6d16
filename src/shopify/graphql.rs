//! What we ask of Shopify's Admin API: one operation a file under `graphql/`, typed from the part of
//! Shopify's own schema that these documents use (`graphql/schema.graphql`).
//! After changing a document run `tests/graphql/trim-schema`.
#![expect(
    clippy::upper_case_acronyms,
    reason = "scalars are spelled as in Shopify's schema"
)]

use graphql_client::GraphQLQuery;

/// ISO 8601 with offset.
type DateTime = String;
// Where an order only passes its words on they stay words: a new one is nothing to stumble over.
type CountryCode = String;
type CurrencyCode = String;
type DiscountApplicationAllocationMethod = String;
type DiscountApplicationTargetSelection = String;
type DiscountApplicationTargetType = String;
type FulfillmentStatus = String;
type InventorySetQuantitiesUserErrorCode = String;
type OrderCancelReason = String;
type OrderDisplayFinancialStatus = String;
type OrderDisplayFulfillmentStatus = String;
type OrderReturnStatus = String;
type OrderTransactionErrorCode = String;
type OrderAdjustmentDiscrepancyReason = String;
type OrderTransactionKind = String;
type OrderTransactionStatus = String;
type RefundLineItemRestockType = String;
type WeightUnit = String;
/// A decimal number as text: money never passes through a float.
type Decimal = String;
type HTML = String;
/// A decimal number as text, in the shop's currency.
type Money = String;
type URL = String;
/// Ids above 2^53 travel as text.
type UnsignedInt64 = String;

/// Which app this token belongs to and which scopes it was granted.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/app_installation.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct CurrentAppInstallation;

/// How many customers a search finds.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/customers_count.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct CustomersCount;

/// Whether a customer is still there.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/customer_exists.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct CustomerExists;

/// Undoes a fulfillment.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_cancel.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentCancel;

/// Ships lines of one location's fulfillment orders.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_create.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentCreate;

/// Keeps a fulfillment order from being shipped.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_order_hold.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny",
    skip_serializing_none
)]
pub struct FulfillmentOrderHold;

/// A page of a fulfillment order's lines, where one answer did not hold them.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_order_lines.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentOrderLines;

/// Which order a fulfillment order belongs to.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_order_owner.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentOrderOwner;

/// Releases the named holds of a fulfillment order, and no others.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_order_release_hold.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentOrderReleaseHold;

/// Replaces the tracking numbers of a fulfillment.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_tracking_info_update.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentTrackingInfoUpdate;

/// A page of the shop's locations, inactive ones too.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/locations.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct Locations;

/// A further page of what one fulfillment holds.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/fulfillment_lines.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct FulfillmentLines;

/// One refund whole; its lines by pages.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/refund_whole.graphql",
    response_derives = "Debug, Clone, PartialEq, Serialize",
    variables_derives = "Debug, Clone",
    deprecated = "deny",
    extern_enums(
        "CurrencyCode",
        "OrderAdjustmentDiscrepancyReason",
        "OrderTransactionKind",
        "OrderTransactionStatus",
        "RefundLineItemRestockType"
    )
)]
pub struct RefundWhole;

/// One order with its money, lines, payments and fulfillments, by pages.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order.graphql",
    response_derives = "Debug, Clone, PartialEq, Serialize",
    variables_derives = "Debug, Clone",
    deprecated = "deny",
    fragments_other_variant = "true",
    extern_enums(
        "CountryCode",
        "CurrencyCode",
        "DiscountApplicationAllocationMethod",
        "DiscountApplicationTargetSelection",
        "DiscountApplicationTargetType",
        "FulfillmentStatus",
        "OrderCancelReason",
        "OrderDisplayFinancialStatus",
        "OrderDisplayFulfillmentStatus",
        "OrderReturnStatus",
        "OrderTransactionErrorCode",
        "OrderTransactionKind",
        "OrderTransactionStatus",
        "WeightUnit"
    )
)]
pub struct Order;

/// Whether an order is still there.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order_exists.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrderExists;

/// What of an order can still be shipped, from where, and what was.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order_fulfillment_orders.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrderFulfillmentOrders;

/// What an order's webhook does not tell: its risk, a page of who ships what, and what has left.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order_standing.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrderStanding;

/// A page of orders by the time they changed: ids and states alone.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/orders.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct Orders;

/// One product with a page of its variants.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/product.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct Product;

/// A page of products by the time they changed.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/products.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct Products;

/// The shop itself.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/shop.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct Shop;

/// Subscribes to a topic.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/webhook_subscription_create.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny",
    skip_serializing_none
)]
pub struct WebhookSubscriptionCreate;

/// Ends a subscription.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/webhook_subscription_delete.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct WebhookSubscriptionDelete;

/// Points a subscription at another address.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/webhook_subscription_update.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny",
    skip_serializing_none
)]
pub struct WebhookSubscriptionUpdate;

/// A page of our subscriptions.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/webhook_subscriptions.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct WebhookSubscriptions;

/// A page of all variants with what the mirror keeps.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/catalogue.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct Catalogue;

/// How many variants a store has.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/catalogue_size.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct CatalogueSize;

/// A page of one product's variants with what the mirror keeps.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/product_variants_of.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct ProductVariantsOf;

/// A page of orders, each with its version and state alone: what sets are compared by.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order_versions.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrderVersions;

/// How many orders a search finds, however many there are.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/orders_count.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrdersCount;

/// Has Shopify write the answer to a query into a file, each record followed by what belongs to it.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/bulk_operation_run_query.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct BulkOperationRunQuery;

/// How far a bulk operation is, and where its file lies.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/bulk_operation.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct BulkOperation;

/// Ends a bulk operation.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/bulk_operation_cancel.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct BulkOperationCancel;

/// Asks Shopify to cancel an order, which it does in its own time.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order_cancel.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrderCancel;

/// Whether an order is cancelled.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/order_cancellation.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct OrderCancellation;

/// Whether a job of Shopify's is over.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/job_state.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct JobState;

/// One return whole: its lines, what became of them, and what is sent in their place.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/return_whole.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct ReturnWhole;

/// Which numbers inventory items have at a location.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/inventory_at.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny"
)]
pub struct InventoryAt;

/// Sets what is available of inventory items at locations, where it still is what it was.
// No `skip_serializing_none`: a quantity without `changeFromQuantity` is an error to Shopify.
#[derive(Debug, GraphQLQuery)]
#[graphql(
    schema_path = "src/shopify/graphql/schema.graphql",
    query_path = "src/shopify/graphql/inventory_set_quantities.graphql",
    response_derives = "Debug, Clone, PartialEq",
    variables_derives = "Debug, Clone",
    deprecated = "deny",
    extern_enums("InventorySetQuantitiesUserErrorCode")
)]
pub struct InventorySetQuantities;
