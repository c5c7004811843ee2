-- Record a job and send its task, in one step; a job that is recorded already is left alone.
-- KEYS: slotline:job:<id>, slotline:jobs, the queue's list; also slotline:open, slotline:job:<id>:sent
-- also slotline:job:<id>:sizes
-- ARGV: id, record as JSON (flat, strings), message, sizes of its inputs ('': not known)
-- Returns 1 when sent, 0 when the job was there. Guarantee: no record without a message.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for name, value in pairs(cjson.decode(ARGV[2])) do redis.call('HSET', KEYS[1], name, value) end
local now = now_ms()
redis.call('HSET', KEYS[1], 'state', 'sent', 'submitted_ms', now)
local timeout_s = redis.call('HGET', KEYS[1], 'timeout_s')
if timeout_s then set_timeout(KEYS[1], ARGV[1], timeout_s, now) end
redis.call('ZADD', KEYS[2], exact_ms(), ARGV[1])
redis.call('ZADD', 'slotline:open', now, ARGV[1])
redis.call('HSET', KEYS[1], 'sent_list', KEYS[3])
if ARGV[4] ~= '' then redis.call('SET', key_of(ARGV[1], 'sizes'), ARGV[4]) end
redis.call('HSET', key_of(ARGV[1], 'sent'), 'start', ARGV[3])
redis.call('LPUSH', KEYS[3], ARGV[3])
return 1
