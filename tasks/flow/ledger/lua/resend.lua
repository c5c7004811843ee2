-- Send a set-aside message again, once.
-- KEYS: slotline:setaside, the queue's list, slotline:job:<task id>:attempts; also slotline:setaside:about
-- ARGV: the entry as it is in slotline:setaside, the message
-- Returns 1, or 0 when the entry is not there any more. Its attempts are forgotten: it has as many as a new one. Which
-- request its id belongs to stays.
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1] .. ':about', 'bytes', -#ARGV[1])
redis.call('HDEL', KEYS[3], '0', '0@', '0!', '0?', '0^', '0^!', 'until_ms')
forget_steps(KEYS[3])
redis.call('LPUSH', KEYS[2], ARGV[2])
return 1
