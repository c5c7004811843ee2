-- Claim, for one worker, the lowest index of a device whose slot is free and whose worker's name is free, with a lease.
-- KEYS: slotline:slot:<host>:<device>:<index>, one an index, lowest first;
--       then slotline:name:<worker>, one an index: the name that the worker of this slot would have
-- ARGV: lease in ms; then, one an index, who claims it, as JSON
-- Returns {index from 0} or, when none is free, {-1, {value, …} of the slots' holders, {value, …} of the names' holders}.
-- Guarantee: two claims never get one slot, and two workers never one name; a key already held is not touched.
local count = #KEYS / 2
local held, named = {}, {}
for i = 1, count do
  local holder = redis.call('GET', KEYS[i])
  local namesake = redis.call('GET', KEYS[count + i])
  if holder then
    held[#held + 1] = holder
  elseif namesake then
    named[#named + 1] = namesake
  else
    redis.call('SET', KEYS[i], ARGV[i + 1], 'PX', ARGV[1])
    redis.call('SET', KEYS[count + i], ARGV[i + 1], 'PX', ARGV[1])
    return {i - 1}
  end
end
return {-1, held, named}
