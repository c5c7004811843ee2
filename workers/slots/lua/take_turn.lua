-- Take the turn to load on a GPU, or say who has it.
-- KEYS: slotline:turn:<gpu>
-- ARGV: our value, which no other turn has; lease in ms
-- Returns '' when the turn is ours (also when it was already), else the value of its holder.
-- Guarantee: one worker at a time has it; it ends by itself when it is not renewed.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''
