-- Ask for an id for a request: the first request that asks has it, until nothing is known of the id any more.
-- KEYS: slotline:job:<id>, and its :attempts
-- ARGV: id, digest of the request, ms to keep the answer for an id without a record
-- Returns 1, or 0 when another request has the id. Guarantee: any repetition by the same request gets the same answer.
return is_anothers(ARGV[1], ARGV[2], ARGV[3]) and 0 or 1
