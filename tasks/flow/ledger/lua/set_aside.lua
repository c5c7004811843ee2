-- Set aside a message that no queue has (any more): the attempts of a task without a job are used up.
-- KEYS: slotline:setaside; also slotline:setaside:about (tasks/redis/lua/set_aside.lua)
-- ARGV: the queue's list, the reason, the message
-- Returns how many entries there are now.
set_aside(KEYS[1], ARGV[1], ARGV[2], ARGV[3], now_ms())
return redis.call('LLEN', KEYS[1])
