DROP TABLE discards;
