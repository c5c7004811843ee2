-- Claim the lowest free index of a device for one worker, with a lease.
-- KEYS: slotline:slot:<host>:<device>:<index>, one an index, lowest first
-- ARGV: who claims, as JSON without `worker`; the worker's name with one %d for the index; lease in ms
-- Returns {index from 0, the value stored} or, when none is free, {-1, value, value, …} of the holders.
-- Guarantee: two claims never get one index; a key already held is not touched.
local claim = cjson.decode(ARGV[1])
local holders = {-1}
for i, key in ipairs(KEYS) do
  claim.worker = string.format(ARGV[2], i - 1)
  local value = cjson.encode(claim)
  if redis.call('SET', key, value, 'NX', 'PX', ARGV[3]) then return {i - 1, value} end
  holders[#holders + 1] = redis.call('GET', key)
end
return holders
