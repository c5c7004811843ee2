-- Send the delayed messages that are due (`send_due` of tasks/redis/lua/delayed.lua says where they go).
-- KEYS: slotline:delayed
-- ARGV: how many at most
-- Returns how many were sent. Guarantee: a message is delayed or queued, never both, never neither.
return send_due(now_ms(), ARGV[1])
