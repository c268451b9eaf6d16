-- What a person says of the store's plan where Shopify does not say it; and the API version that Shopify served last.
ALTER TABLE shopify_shops ADD COLUMN tier TEXT CHECK (tier IN ('standard', 'advanced', 'plus', 'enterprise'));
ALTER TABLE shopify_shops ADD COLUMN served_version TEXT;
