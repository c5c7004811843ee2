-- Store a task's result as Celery's own backend does, and publish it to those who listen for it.
-- KEYS: celery-task-meta-<id>; also slotline:job:<id>, read only
-- ARGV: the result, encoded; seconds to keep it (0: for ever)
-- Returns 1, or 0 when the task has succeeded already, or was cancelled in the ledger.
-- Guarantee: a SUCCESS stays, whatever a late or repeated run brings, and so does the REVOKED that cancel.lua wrote;
-- sending it twice changes nothing.
local id = string.match(KEYS[1], '^celery%-task%-meta%-(.*)$')
if id and redis.call('HGET', key_of(id), 'outcome') == 'REVOKED' then return 0 end
local stored = redis.call('GET', KEYS[1])
if stored then
  local is_json, meta = pcall(cjson.decode, stored)
  -- Half of a surrogate pair is JSON for Python, not for Redis; Celery writes the status first.
  local status = is_json and type(meta) == 'table' and meta.status or string.match(stored, '^{"status": ?"(%u+)"')
  if status == 'SUCCESS' then return 0 end
end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1])
end
redis.pcall('PUBLISH', KEYS[1], ARGV[1])
return 1
