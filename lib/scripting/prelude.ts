/**
 * The part of the environment that is written in Lua: what calls back into a script and must let
 * go of the machine in between.
 *
 * A script is suspended by a yield in the middle of its work (the count hook in `script-run.ts`).
 * Lua 5.1 cannot yield through C, so `pcall`, `xpcall` and `table.sort` are Lua here: a protected
 * call runs in a coroutine of its own, and whoever resumes a coroutine that was suspended by the
 * hook (`interrupted()` tells) yields, too, and resumes it afterwards.
 *
 * Source of the sort: `auxsort` in ltablib.c of Lua 5.1.5, so that unstable orders are the same.
 */
export const PRELUDE = `
local interrupted, isnative = ...
local create, rawresume, rawyield = coroutine.create, coroutine.resume, coroutine.yield
local status, rawpcall, rawxpcall = coroutine.status, pcall, xpcall
local error, type, select, floor = error, type, select, math.floor
local loadstring, concat, sort = loadstring, table.concat, table.sort

-- The coroutine of the script's own making that runs; nil in the main one.
local current = nil

local function guarded(co, ok, ...)
  if status(co) == 'suspended' then
    if interrupted() then
      rawyield()
      return guarded(co, rawresume(co))
    end
    return guarded(co, rawresume(co, rawyield(...)))
  end
  return ok, ...
end

-- As Redis's own pcall: of an error of a command, its text.
local function shown(ok, ...)
  if ok then return true, ... end
  local err = ...
  if type(err) == 'table' then
    local text = err.err
    if type(text) == 'string' or type(text) == 'number' then return false, text end
  end
  return false, ...
end

function pcall(...)
  if isnative((...)) then return shown(rawpcall(...)) end
  local co = create((...))
  return shown(guarded(co, rawresume(co, select(2, ...))))
end

local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, handler(...)
end

function xpcall(...)
  local f, handler = ...
  if isnative(f) or type(handler) ~= 'function' then return rawxpcall(...) end
  local co = create(f)
  return handled(handler, guarded(co, rawresume(co)))
end

local function settle(co, outer, ok, ...)
  if interrupted() then
    rawyield()
    return settle(co, outer, rawresume(co))
  end
  current = outer
  return ok, ...
end

local function resume(...)
  local co = ...
  if type(co) ~= 'thread' or status(co) ~= 'suspended' then return rawresume(...) end
  local outer = current
  current = co
  return settle(co, outer, rawresume(...))
end
coroutine.resume = resume

function coroutine.yield(...)
  if current == nil then error('attempt to yield across metamethod/C-call boundary', 0) end
  return rawyield(...)
end

local function unwrapped(ok, ...)
  if ok then return ... end
  error((...), 0)
end

function coroutine.wrap(f)
  local co = create(f)
  return function(...) return unwrapped(resume(co, ...)) end
end

function coroutine.running() return current end

function coroutine.status(co)
  if co == current and co ~= nil then return 'running' end
  return status(co)
end

function load(f, name)
  if type(f) ~= 'function' then error("bad argument #1 to 'load' (function expected, got " .. type(f) .. ")", 2) end
  local parts = {}
  while true do
    local part = f()
    if part == nil or part == '' then break end
    if type(part) ~= 'string' then error('reader function must return a string', 2) end
    parts[#parts + 1] = part
  end
  return loadstring(concat(parts), name or '=(load)')
end

local function less(a, b) return a < b end

local function sorted(a, l, u, lt)
  while l < u do
    if lt(a[u], a[l]) then a[l], a[u] = a[u], a[l] end
    if u - l == 1 then break end
    local i = floor((l + u) / 2)
    if lt(a[i], a[l]) then
      a[i], a[l] = a[l], a[i]
    elseif lt(a[u], a[i]) then
      a[i], a[u] = a[u], a[i]
    end
    if u - l == 2 then break end
    local pivot = a[i]
    a[i], a[u - 1] = a[u - 1], pivot
    i = l
    local j = u - 1
    while true do
      i = i + 1
      while lt(a[i], pivot) do
        if i > u then error('invalid order function for sorting', 0) end
        i = i + 1
      end
      j = j - 1
      while lt(pivot, a[j]) do
        if j < l then error('invalid order function for sorting', 0) end
        j = j - 1
      end
      if j < i then break end
      a[i], a[j] = a[j], a[i]
    end
    a[u - 1], a[i] = a[i], a[u - 1]
    if i - l < u - i then
      j, i = l, i - 1
      l = i + 2
    else
      j, i = i + 1, u
      u = j - 2
    end
    sorted(a, j, i, lt)
  end
end

function table.sort(...)
  local t, lt = ...
  local wants = lt == nil or type(lt) == 'function'
  if type(t) ~= 'table' or not wants or (lt == nil and #t < 4096) then
    local done = sort(...)
    return done
  end
  sorted(t, 1, #t, lt or less)
end

return function() current = nil end
`;
