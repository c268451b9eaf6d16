DROP INDEX shopify_variants_picture;
DROP TABLE shopify_pictures;
