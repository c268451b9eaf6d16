DROP TABLE shopify_holds;
