--- homespun in Neovim 0.11 or newer: completion of code that knows this repository.
---
---     require('homespun').setup({
---       settings = { completion = { maxTokens = 32 } }, -- what homespun.toml may say, in camelCase
---       disabled_filetypes = { 'markdown' },
---     })
---
--- `:Homespun` with Tab lists the commands; `require('homespun').status()` is for the status line.
local line_breaks = require('homespun.line_breaks')
local paths = require('homespun.paths')
local restart = require('homespun.restart')

local M = {}

M.options = {
  cmd = { 'homespun', 'serve', '--stdio' },
  settings = {}, -- by section: { completion = { … }, index = { … }, server = { … } }
  disabled_filetypes = {}, -- the server is not started for these
  ghost_text = vim.fn.has('nvim-0.12') == 1 and 'builtin' or 'drawn',
  pause_ms = 75, -- after a key, before the server is asked; only 'drawn'
  keys = { -- in insert mode; false = none
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    dismiss = '<C-]>', -- only 'drawn'
    ask = '<M-\\>', -- only 'drawn'
  },
}

local fallbacks = {} -- key -> what it did before
local states = {} -- client id -> the last params of homespun/status

--- Return what JSON says with nil for null: Neovim 0.12 puts a value of its own there.
function M.without_null(value)
  if value == vim.NIL then
    return nil
  elseif type(value) ~= 'table' then
    return value
  end
  local copy = {}
  for key, part in pairs(value) do
    copy[key] = M.without_null(part)
  end
  return copy
end

local function is_enabled(buffer)
  return not vim.list_contains(M.options.disabled_filetypes, vim.bo[buffer].filetype)
end

--- Return the server of a buffer, by default the current one, or nil.
function M.client(buffer)
  return vim.lsp.get_clients({ bufnr = buffer or 0, name = 'homespun' })[1]
end

--- Return how the server of a buffer is that died: its state and a message; else nil.
function M.fallen(buffer)
  buffer = buffer and buffer ~= 0 and buffer or vim.api.nvim_get_current_buf()
  if restart.is_due() and vim.bo[buffer].buftype == '' and is_enabled(buffer) then
    return restart.state(paths.root(buffer))
  end
end

--- Return what the server said last of how it is: the answer of the command homespun.status, or
--- what is known of one that died.
function M.state(buffer)
  local client = M.client(buffer)
  return M.fallen(buffer) or client and states[client.id]
end

--- Write a time (seconds since 1970) as hours and minutes.
function M.clock(seconds)
  return os.date('%H:%M', math.floor(seconds))
end

--- Return a few words for the status line, '' in buffers without homespun.
function M.status(buffer)
  local it = M.state(buffer)
  if not it and not M.client(buffer) then
    return ''
  end
  it = it or { state = 'starting' }
  if it.state == 'ready' then
    return 'homespun'
  elseif it.state == 'paused' and it.pausedUntil then
    return 'homespun: paused until ' .. M.clock(it.pausedUntil)
  end
  return 'homespun: ' .. it.state .. (it.percent and (' %d %%'):format(it.percent) or '')
end

local function show()
  vim.api.nvim_exec_autocmds('User', { pattern = 'HomespunStatus', modeline = false })
  vim.cmd.redrawstatus({ bang = true })
end

local function changed(client_id, state)
  states[client_id] = state
  vim.schedule(show)
end

--- Replace the server's settings of a section until Neovim closes.
function M.configure(client, section, settings)
  local new = { homespun = { [section] = settings } }
  client.settings = vim.tbl_deep_extend('force', client.settings or {}, new)
  client:notify('workspace/didChangeConfiguration', { settings = client.settings })
end

local function start(options, ghost_text)
  local connect = restart.command(options.cmd, show)
  vim.lsp.config('homespun', {
    cmd = function(dispatchers, config)
      return line_breaks.mend(connect(dispatchers, config))
    end,
    root_dir = function(buffer, found)
      local root = paths.root(buffer)
      if is_enabled(buffer) and not restart.holds(root, buffer) then
        found(root)
      end
    end,
    capabilities = {
      textDocument = { inlineCompletion = { dynamicRegistration = false } },
      experimental = { homespun = { status = true } },
    },
    -- An empty table would go out as an array.
    settings = next(options.settings) and { homespun = options.settings } or nil,
    handlers = {
      ['homespun/status'] = function(_, params, context)
        changed(context.client_id, M.without_null(params))
      end,
    },
    on_init = restart.up,
    on_attach = function(_, buffer)
      vim.schedule(show) -- in a further buffer the server has nothing new to say
      ghost_text.attached(buffer)
    end,
    on_exit = function(_, _, client_id)
      states[client_id] = nil
      restart.ended(assert(vim.lsp.get_client_by_id(client_id)))
      vim.schedule(show)
    end,
  })
  vim.lsp.enable('homespun')
end

--- Return what does what a key did before it was mapped here.
local function fallback(key)
  local before = vim.fn.maparg(key, 'i', false, true)
  return function()
    local keys = before.rhs or key
    if before.callback then
      keys = before.callback()
    elseif before.expr == 1 then
      keys = vim.api.nvim_eval(before.rhs)
    end
    if before.expr == 1 or not before.callback then
      vim.api.nvim_feedkeys(vim.keycode(keys or ''), 'in', false)
    end
  end
end

local function map(key, description, run)
  if not key then
    return
  end
  fallbacks[key] = fallbacks[key] or fallback(key) -- a second `setup` finds its own mapping
  local otherwise = fallbacks[key]
  -- Not <expr>: that may change no text, and what is put off comes behind the keys that are typed
  -- already; it may even be asked before the key in front of it is in the text.
  vim.keymap.set('i', key, function()
    if not run() then
      otherwise()
    end
  end, { desc = description })
end

local function map_keys(keys, ghost_text)
  local function accept(part)
    return function()
      return vim.fn.pumvisible() == 0 and ghost_text.accept(part)
    end
  end
  map(keys.accept, 'Accept the suggestion', accept('all'))
  map(keys.accept_word, 'Accept a word of the suggestion', accept('word'))
  map(keys.accept_line, 'Accept a line of the suggestion', accept('line'))
  if ghost_text.dismiss then
    map(keys.dismiss, 'Dismiss the suggestion', ghost_text.dismiss)
    map(keys.ask, 'Ask for a suggestion', ghost_text.ask)
  end
end

local function merged(options)
  for name in pairs(options) do
    if M.options[name] == nil then
      vim.notify(("homespun: there is no option '%s'; it is ignored"):format(name), vim.log.levels.WARN)
    end
  end
  return vim.tbl_deep_extend('force', M.options, options)
end

--- Start the server for the files that are opened, and map the keys.
function M.setup(options)
  M.options = merged(options or {})
  local ghost_text = require('homespun.' .. M.options.ghost_text)
  start(M.options, ghost_text)
  ghost_text.setup(M.options)
  map_keys(M.options.keys, ghost_text)
  require('homespun.commands').create()
end

return M
