-- Seats are the sum over the shards, as counts are. Shard 0 is of the claims that must wait for each other: those with a
-- limit, and those that give back. Without a limit each connection claims in a shard of its own.
ALTER TABLE ~seat ADD COLUMN shard int NOT NULL DEFAULT 0;
ALTER TABLE ~seat DROP CONSTRAINT #seat_pkey;
ALTER TABLE ~seat ADD CONSTRAINT #seat_pkey PRIMARY KEY (tenant, shard);
ALTER TABLE ~seat SET (fillfactor = 50);

-- Brings the rows in #key up to date with the columns keys and uniques of a resource. A loop, so that each row is found
-- by the primary key whatever a planner expects of the others.
CREATE FUNCTION ~rekey(of_tenant text, of_type text, of_id text, was text, was_uniques int, now text, now_uniques int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k record;
BEGIN
	FOR k IN
		SELECT o.key, CASE WHEN o.n <= was_uniques THEN '' ELSE of_id END AS holder FROM unnest(string_to_array(was, chr(3))) WITH ORDINALITY o (key, n)
		EXCEPT SELECT o.key, CASE WHEN o.n <= now_uniques THEN '' ELSE of_id END FROM unnest(string_to_array(now, chr(3))) WITH ORDINALITY o (key, n)
	LOOP
		DELETE FROM ~key WHERE tenant = of_tenant AND type = of_type AND key = k.key AND holder = k.holder;
	END LOOP;
	INSERT INTO ~key (tenant, type, key, holder, id)
	SELECT of_tenant, of_type, d.key, d.holder, of_id FROM (
		SELECT o.key, CASE WHEN o.n <= now_uniques THEN '' ELSE of_id END AS holder FROM unnest(string_to_array(now, chr(3))) WITH ORDINALITY o (key, n)
		EXCEPT SELECT o.key, CASE WHEN o.n <= was_uniques THEN '' ELSE of_id END FROM unnest(string_to_array(was, chr(3))) WITH ORDINALITY o (key, n)) d;
END $$;
