DROP TABLE shopify_mapping_imports;
