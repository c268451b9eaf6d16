DROP TABLE delivery_photos;
DROP TABLE delivery_log;
DROP TABLE delivery_assignments;
DROP TABLE delivery_lines;
DROP TABLE deliveries;
DROP TABLE drivers;
ALTER TABLE channels DROP COLUMN delivery_methods;
ALTER TABLE channels DROP COLUMN delivery_rule;
