DROP TABLE outside_shipment_lines;
DROP TABLE outside_shipments;
