-- Note how long parts took that a slot has just settled together, as a sample of the pace of their model.
-- KEYS: none beside those that follow from the jobs' ids: slotline:job:<id>, :attempts, :sizes (read only), and
--       slotline:pace:<model> (tasks/redis/lua/pace.lua)
-- ARGV: ms since this slot last ended something that it had computed (-1: not known), then job, part, job, part, …:
--       parts that were computed, the first one that was claimed first
-- Returns the ms that count, or -1 when there is no sample: the job was removed, or its sizes are not known.
-- A slot computes one thing after the other, so the time between two ends is what the later one took, however early
-- it was claimed. Where the slot had nothing to do, its time begins with the claim. A slot with work in hand takes a
-- moment between an end and the next claim; that is part of the time.
local OWN_MS = 50
local now, since = now_ms(), tonumber(ARGV[1])
local model = redis.call('HGET', key_of(ARGV[2]), 'model')
local claimed = redis.call('HGET', key_of(ARGV[2], 'attempts'), ARGV[3] .. '@')
if not (model and claimed) then return -1 end
local parts, size = 0, 0
for i = 2, #ARGV, 2 do
  local at = (tonumber(ARGV[i + 1]) - 1) * 4
  local packed = redis.call('GETRANGE', key_of(ARGV[i], 'sizes'), at, at + 3)
  if #packed < 4 then return -1 end
  parts, size = parts + 1, size + struct.unpack('>I4', packed)
end
local from = tonumber(claimed)
if since >= 0 and now - since > from - OWN_MS then from = now - since end
local ms = math.max(now - from, 0)
note_pace(model, parts, size, ms, now)
return ms
