//! Every column is either in the register of personal data or known to hold none.

use std::collections::BTreeSet;

use counterfoil::shopify::personal_data::register;

/// Columns that hold nothing about a person, by table. A new column goes here or into a register:
/// `erp/personal_data.rs`, `shopify/personal_data.rs`, `platform/personal_data.rs`.
#[rustfmt::skip]
const IMPERSONAL: &[(&str, &[&str])] = &[
    ("settings", &[
        "name", "value", "changed_at"
    ]),
    ("users", &[
        "id", "public_id", "role", "password_hash", "active", "time_zone", "theme", "density",
        "keys_on", "created_at", "signed_in_at"
    ]),
    ("sessions", &[
        "id", "token_hash", "user_id", "created_at", "last_seen_at", "flash"
    ]),
    ("sign_in_failures", &[
        "id", "at"
    ]),
    ("api_tokens", &[
        "id", "name", "token_hash", "scope", "created_at", "last_used_at", "revoked_at"
    ]),
    ("audit_log", &[
        "id", "at", "user_id", "kind", "subject", "arguments"
    ]),
    ("saved_views", &[
        "id", "user_id", "shared", "created_at"
    ]),
    ("order_terms", &[
        "id", "order_id"
    ]),
    ("queues", &[
        "name"
    ]),
    ("pauses", &[
        "cause", "shop_domain", "reason", "paused_at", "paused_by", "resumed_at", "settled"
    ]),
    ("workers", &[
        "boot", "host", "pid", "started_at", "seen_at"
    ]),
    ("webhook_events", &[
        "id", "source", "shop_domain", "webhook_id", "event_id", "topic", "api_version", "key",
        "snapshot", "ver", "triggered_at", "received_at", "secret_label", "headers", "status",
        "due_at", "claim_no", "attempts", "crashes", "locked_by", "locked_at", "waits_for",
        "finished_at", "body_encoding", "body_dropped_at"
    ]),
    ("jobs", &[
        "id", "kind", "dedupe_key", "shop_domain", "subject", "key", "snapshot", "ver", "progress",
        "created_at", "created_by", "status", "due_at", "claim_no", "attempts", "crashes",
        "locked_by", "locked_at", "waits_for", "finished_at", "webhook_id"
    ]),
    ("alerts", &[
        "id", "kind", "subject", "cause", "opened_at", "resolved_at", "told_at", "end_told_at"
    ]),
    ("tries", &[
        "id", "queue", "row_id", "at", "micros", "outcome", "request_id"
    ]),
    ("discards", &[
        "id", "queue", "row_id", "at", "status", "finished_at"
    ]),
    ("rejected_webhooks", &[
        "id", "at", "topic", "shop_domain", "reason"
    ]),
    ("shopify_inventory_settings", &[
        "shop_id", "is_on", "buffer", "cap", "changed_at", "changed_by"
    ]),
    ("shopify_inventory_marks", &[
        "id", "shop_id", "kind", "product_id", "location_id", "item_external_id", "place_external_id", "available",
        "told_at", "made_at", "made_by"
    ]),
    ("shopify_inventory_levels", &[
        "id", "shop_id", "variant_id", "place_id", "due_at", "due_since", "asked_by", "must_read", "available",
        "known_at", "on_hand", "committed", "tracked", "stocked", "read_at", "offered", "pushed", "pushed_at",
        "pushed_by", "refusal", "refused_at", "differed_at", "differed_by"
    ]),
    ("shopify_inventory_calls", &[
        "id", "shop_id", "idempotency_key", "quantities", "made_at", "finished_at", "request_id", "refusal"
    ]),
    ("shopify_inventory_checks", &[
        "id", "shop_id", "started_at", "finished_at", "started_by", "mends", "after_place", "after_variant", "compared",
        "differed"
    ]),
    ("sync_runs", &[
        "id", "shop_id", "stream", "kind", "from_at", "to_at", "status", "dry_run", "job_id", "started_by",
        "created_at", "started_at", "finished_at", "cancel_asked_at", "state", "phase", "total", "done", "here",
        "created", "updated", "failed", "place", "result", "reason"
    ]),
    ("sync_cursors", &[
        "shop_id", "stream", "every_minutes", "known_from", "looked_to", "looked_at", "failed_at", "error",
        "backup_to", "backup_at", "passed_on", "pass_from"
    ]),
    ("sync_half_hours", &[
        "shop_id", "stream", "half_hour", "looks", "gaps", "failures"
    ]),
    ("sync_gaps", &[
        "id", "shop_id", "external_id", "kind", "name", "day", "changed_there_at", "found_at", "healed_at", "reason"
    ]),
    ("reconciliation_days", &[
        "id", "shop_id", "day", "theirs", "theirs_digest", "ours", "ours_digest", "states", "missing", "outdated",
        "gone", "checked_at"
    ]),
    ("sellers", &[
        "id", "name", "time_zone"
    ]),
    ("channels", &[
        "id", "seller_id", "kind", "name", "time_zone", "delivery_rule", "delivery_methods"
    ]),
    ("products", &[
        "id", "sku", "sku_normal", "name", "barcode", "unit", "weight_grams", "tracking", "ships",
        "hs_code", "origin", "active", "created_at", "barcode_normal"
    ]),
    ("locations", &[
        "id", "name", "address1", "city", "zip", "province_code", "country_code", "active"
    ]),
    ("lots", &[
        "id", "product_id", "code", "code_normal", "best_before", "state", "note", "created_at"
    ]),
    ("lot_uses", &[
        "id", "lot_id", "order_line_id", "quantity", "source", "at", "undone_at"
    ]),
    ("stock_documents", &[
        "id", "kind", "number", "state", "location_id", "other_location_id", "reference", "expected_on", "note",
        "blind", "whole", "version", "pieces", "arrived", "bookings", "created_at", "created_by", "changed_at",
        "sent_at", "ended_at", "ended_by", "end_reason"
    ]),
    ("stock_document_lines", &[
        "id", "document_id", "product_id", "lot_id", "level_id", "quantity", "done", "pending", "counted", "seen",
        "counted_at", "counted_by"
    ]),
    ("stock_bookings", &[
        "id", "document_id", "booking", "line_id", "location_id", "lot_id", "quantity", "reason", "at", "user_id",
        "undone_at"
    ]),
    ("stock_document_numbers", &[
        "kind", "last"
    ]),
    ("stock_levels", &[
        "id", "product_id", "location_id", "on_hand", "reserved", "lot_id", "expires", "barred"
    ]),
    ("stock_movements", &[
        "id", "product_id", "location_id", "quantity", "balance", "reason", "source", "user_id",
        "at", "lot_id"
    ]),
    ("accounts", &[
        "id", "public_id", "created_at", "kind"
    ]),
    ("account_locations", &[
        "id", "account_id", "external_id"
    ]),
    ("contacts", &[
        "id", "public_id", "account_id", "created_at", "channel_id", "email_consent_at", "sms_consent_at",
        "merged_into"
    ]),
    ("contact_terms", &[
        "id", "contact_id"
    ]),
    ("contact_addresses", &[
        "id", "contact_id", "external_id", "is_default"
    ]),
    ("contact_merges", &[
        "id", "kept_id", "gone_id", "orders", "merged_at", "merged_by", "undone_at", "undone_by"
    ]),
    ("contact_merge_orders", &[
        "id", "merge_id", "order_id"
    ]),
    ("contacts_apart", &[
        "id", "older_id", "newer_id", "said_at", "said_by"
    ]),
    ("shopify_companies", &[
        "id", "shop_id", "external_id", "account_id", "source_updated_at"
    ]),
    ("orders", &[
        "id", "public_id", "channel_id", "external_id", "number", "name", "version",
        "source_updated_at", "source_triggered_at", "source_digest", "contact_id", "currency",
        "presentment_currency", "taxes_included", "subtotal_minor", "discount_minor",
        "shipping_minor", "tax_minor", "total_minor", "presentment_total_minor",
        "current_total_minor", "outstanding_minor", "added_total_minor", "totals_check",
        "payment_state", "work_state", "short_quantity", "fulfilled_at_source", "shipping_method",
        "items_summary", "item_count", "tags", "gateways", "test", "placed_at", "promised_at",
        "cancelled_at", "cancel_reason", "deleted_at_source", "received_at", "changed_at", "flags"
    ]),
    ("order_sources", &[
        "id", "order_id", "shape", "api_version", "translator_version", "event_id", "received_at"
    ]),
    ("order_tombstones", &[
        "id", "channel_id", "external_id", "at"
    ]),
    ("order_lines", &[
        "id", "order_id", "external_id", "position", "variant_external_id", "product_external_id",
        "resolution", "title", "variant_title", "sku", "quantity", "current_quantity",
        "fulfilled_elsewhere", "shipped_quantity", "unit_price_scaled", "discount_minor",
        "tax_minor", "total_minor", "ships", "gift_card", "tip", "vendor", "grams", "taxable",
        "presentment_unit_price_scaled", "presentment_discount_minor", "presentment_tax_minor",
        "presentment_total_minor", "discounts", "taxes", "duties", "bundle_external_id",
        "bundle_title", "bundle_quantity",
        "refunded_quantity", "returned_quantity", "back_quantity", "others_quantity"
    ]),
    ("order_checks", &[
        "order_id", "checked_at", "delivery_method", "risk", "recommendation", "scheduled_for",
        "pickup"
    ]),
    ("line_places", &[
        "id", "order_line_id", "location_id", "quantity"
    ]),
    ("line_products", &[
        "id", "order_line_id", "product_id", "quantity_each"
    ]),
    ("reservations", &[
        "id", "order_line_id", "product_id", "location_id", "quantity", "lot_id"
    ]),
    ("order_charges", &[
        "id", "order_id", "kind", "external_id", "title", "amount_minor", "discount_minor", "code",
        "presentment_amount_minor", "presentment_discount_minor", "amount_scaled",
        "presentment_amount_scaled", "discounts", "taxes", "removed"
    ]),
    ("order_taxes", &[
        "id", "order_id", "title", "rate", "amount_minor", "presentment_minor", "channel_liable"
    ]),
    ("order_discounts", &[
        "id", "order_id", "kind", "title", "amount_minor", "presentment_minor", "target", "value",
        "value_kind"
    ]),
    ("order_totals", &[
        "id", "order_id", "side", "basis", "subtotal_minor", "discount_minor", "shipping_minor",
        "duties_minor", "fees_minor", "tax_minor", "total_minor", "added_minor",
        "added_tax_minor", "verdict"
    ]),
    ("order_details", &[
        "id", "order_id", "sold_through", "location_external_id", "confirmation_number", "po_number",
        "locale", "merchant_of_record", "company_external_id", "company_name",
        "company_location_external_id", "company_location_name", "terms_kind", "terms_days",
        "terms_due_at", "duties_included", "tax_exempt"
    ]),
    ("payments", &[
        "id", "order_id", "external_id", "parent_external_id", "gateway", "kind", "status",
        "currency", "amount_minor", "presentment_currency", "presentment_minor", "error_code",
        "manual", "test", "processed_at", "received_at"
    ]),
    ("order_versions", &[
        "id", "order_id", "version", "at"
    ]),
    ("order_edits", &[
        "id", "order_id", "version", "subject", "order_line_id", "state", "opened_at", "decided_at",
        "decided_by"
    ]),
    ("order_cancellations", &[
        "id", "order_id", "reason", "refund", "restock", "notify", "state", "asked_at", "asked_by",
        "sent_at", "job_external_id", "answer", "finished_at"
    ]),
    ("holds", &[
        "id", "order_id", "channel_id", "kind", "cause", "opened_at", "opened_by", "released_at",
        "released_by"
    ]),
    ("shipments", &[
        "id", "public_id", "order_id", "location_id", "request_id", "carrier", "tracking_numbers",
        "tracking_url", "notify", "state", "shipped_at", "shipped_by", "undone_at", "version"
    ]),
    ("shipment_lines", &[
        "id", "shipment_id", "order_line_id", "quantity"
    ]),
    ("refunds", &[
        "id", "public_id", "order_id", "external_id", "return_external_id", "currency",
        "presentment_currency", "made_at", "made_by", "received_at"
    ]),
    ("refund_lines", &[
        "id", "refund_id", "external_id", "order_line_id", "line_external_id", "quantity", "restock",
        "location_external_id", "location_id", "restocked_quantity", "subtotal_minor", "tax_minor",
        "presentment_subtotal_minor", "presentment_tax_minor"
    ]),
    ("refund_charges", &[
        "id", "refund_id", "kind", "external_id", "title", "amount_minor", "tax_minor",
        "presentment_amount_minor", "presentment_tax_minor"
    ]),
    ("refund_transactions", &[
        "id", "refund_id", "external_id", "parent_external_id", "gateway", "state", "amount_minor",
        "currency", "processed_at"
    ]),
    ("drivers", &[
        "user_id", "active"
    ]),
    ("deliveries", &[
        "id", "public_id", "order_id", "part", "channel_id", "order_name", "items", "payment_state",
        "currency", "total_minor", "outstanding_minor", "state", "day", "driver_id", "position",
        "reason", "closed_by_order", "dropped_off_at", "shipment_id", "ship_fault", "version",
        "created_at", "changed_at"
    ]),
    ("delivery_lines", &[
        "id", "delivery_id", "order_line_id", "goes_apart"
    ]),
    ("delivery_assignments", &[
        "id", "delivery_id", "driver_id", "assigned_at", "assigned_by", "ended_at", "ended_by",
        "end_reason"
    ]),
    ("delivery_log", &[
        "id", "delivery_id", "order_id", "at", "kind", "from_state", "to_state", "arguments",
        "user_id", "source", "undone_at"
    ]),
    ("delivery_photos", &[
        "id", "delivery_id", "order_id", "at", "user_id", "media_type"
    ]),
    ("returns", &[
        "id", "public_id", "order_id", "external_id", "name", "status", "decline_reason", "made_at",
        "closed_at", "changed_at"
    ]),
    ("return_lines", &[
        "id", "return_id", "external_id", "kind", "order_line_id", "line_external_id", "quantity",
        "processed_quantity", "refunded_quantity", "reason"
    ]),
    ("return_dispositions", &[
        "id", "return_id", "external_id", "order_line_id", "kind", "quantity", "location_id",
        "restocked_quantity"
    ]),
    ("outside_shipments", &[
        "id", "order_id", "external_id", "state", "location_id", "carrier", "tracking_numbers",
        "tracking_url", "shipped_at", "source_updated_at"
    ]),
    ("outside_shipment_lines", &[
        "id", "outside_shipment_id", "order_line_id", "quantity"
    ]),
    ("timeline", &[
        "id", "order_id", "at", "kind", "user_id", "source", "micros", "request_id"
    ]),
    ("changes", &[
        "id", "seq", "kind", "public_id", "at"
    ]),
    ("shopify_shops", &[
        "id", "public_id", "domain", "channel_id", "state", "grant_kind", "name", "currency",
        "time_zone", "plan", "scopes", "missing_scopes", "access_token_sealed",
        "access_expires_at", "refresh_token_sealed", "refresh_expires_at", "refresh_lease",
        "refresh_lease_until", "client_id", "client_secret_sealed", "notification_key_sealed",
        "api_version", "notify_default", "order_status_filter", "last_error", "last_error_at",
        "installed_at", "uninstalled_at", "redacted_at", "budget_available", "budget_max",
        "budget_rate", "budget_at", "restock_returns", "check_orders", "tell_holds",
        "tier", "served_version"
    ]),
    ("shopify_fulfillment_orders", &[
        "id", "shop_id", "order_id", "external_id", "status", "request_status", "actions",
        "location_external_id", "location_name", "service", "method", "method_name", "fulfil_at",
        "source_updated_at", "read_at"
    ]),
    ("shopify_fulfillment_order_lines", &[
        "id", "fulfillment_order_id", "external_id", "line_external_id", "total", "remaining"
    ]),
    ("shopify_holds", &[
        "id", "hold_id", "fulfillment_order_external_id", "hold_external_id", "state", "reason",
        "changed_at"
    ]),
    ("shopify_oauth_states", &[
        "id", "nonce_hash", "domain", "user_id", "expires_at", "used_at"
    ]),
    ("shopify_subscriptions", &[
        "id", "shop_id", "topic", "gid", "uri", "state", "last_received_at", "checked_at", "error"
    ]),
    ("shopify_locations", &[
        "id", "shop_id", "external_id", "name", "active", "location_id", "stock_master"
    ]),
    ("shopify_customers", &[
        "id", "shop_id", "contact_id", "source_updated_at", "deleted_at", "profiled_at"
    ]),
    ("shopify_privacy_requests", &[
        "id", "shop_id", "event_id", "kind", "state", "customer_external_id", "contact_id",
        "orders", "received_at", "due_at", "done_at"
    ]),
    ("shopify_redactions", &[
        "id", "shop_id", "kind", "external_id", "at"
    ]),
    ("shopify_variants", &[
        "id", "shop_id", "external_id", "product_external_id", "inventory_item_external_id",
        "product_title", "variant_title", "sku", "sku_normal", "barcode", "price_minor", "ships",
        "weight_grams", "picture_url", "source_updated_at", "seen_at", "deleted_at", "ignored_at",
        "barcode_normal", "question", "state"
    ]),
    ("shopify_variant_terms", &["id", "shop_id", "variant_id", "term"]),
    ("product_terms", &["id", "product_id", "term"]),
    ("shopify_pictures", &[
        "id", "shop_id", "url", "state", "attempts", "changed_at", "reason", "hash", "small", "large"
    ]),
    ("shopify_product_mappings", &[
        "id", "shop_id", "variant_id", "product_id", "quantity", "kind", "origin", "batch",
        "created_at", "created_by", "removed_at", "removed_by", "variant_sku", "prefix"
    ]),
    ("shopify_mapping_rules", &["id", "shop_id", "sku", "barcode", "prefix"]),
    ("shopify_mapping_imports", &[
        "id", "shop_id", "state", "content", "batch", "total", "done", "mapped", "unchanged", "refused",
        "orders_freed", "refusals", "created_at", "created_by", "done_at"
    ]),
    ("shopify_fulfillments", &[
        "id", "shop_id", "shipment_id", "order_external_id", "fulfillment_gid", "state", "intent",
        "pre_image", "sent_at", "request_id"
    ]),
];

#[test]
fn every_column_is_in_the_register_or_known_to_be_impersonal() {
    let columns = columns();
    assert!(columns.len() > 300, "schema.rs could not be read");
    let registered: BTreeSet<(String, String)> = register()
        .iter()
        .map(|column| (column.table.to_owned(), column.column.to_owned()))
        .collect();
    let impersonal: BTreeSet<(String, String)> = IMPERSONAL
        .iter()
        .flat_map(|(table, names)| {
            let pair = |name: &&str| ((*table).to_owned(), (*name).to_owned());
            names.iter().map(pair)
        })
        .collect();
    for column in &columns {
        let (in_register, is_impersonal) =
            (registered.contains(column), impersonal.contains(column));
        assert!(
            in_register || is_impersonal,
            "{}.{} is neither registered nor impersonal: does it hold anything about a person?",
            column.0,
            column.1
        );
        assert!(!(in_register && is_impersonal), "{column:?} is both");
    }
    for known in registered.iter().chain(&impersonal) {
        assert!(columns.contains(known), "{known:?} does not exist");
    }
}

/// Table and column as `src/schema.rs` declares them.
fn columns() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string("src/schema.rs").expect("the schema");
    let mut columns = BTreeSet::new();
    for table in text.split("diesel::table! {").skip(1) {
        let (head, body) = table.split_once('{').expect("a table's columns");
        let name = head.split('(').next().unwrap_or_default().trim();
        let (body, _) = body.split_once('}').expect("a table's end");
        for line in body.lines() {
            if let Some((column, _)) = line.split_once("->") {
                columns.insert((name.to_owned(), column.trim().to_owned()));
            }
        }
    }
    columns
}
