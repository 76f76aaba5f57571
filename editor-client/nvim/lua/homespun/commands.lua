--- `:Homespun VERB`: what the server answers, as messages, floats and quickfix lists.
local M = {}

local function say(sentence, level)
  vim.notify('Homespun: ' .. sentence, level or vim.log.levels.INFO)
end

local function warn(sentence)
  say(sentence, vim.log.levels.WARN)
end

local function knows(client, command)
  local provider = client.server_capabilities.executeCommandProvider
  return vim.list_contains(provider and provider.commands or {}, command)
end

--- Return the sentence of an answer that holds nothing else: the command has failed.
local function failed(answer)
  return vim.tbl_count(answer) == 1 and answer.message
end

--- Run a command of the server; `show` gets the answer, never nil, unless it has failed.
local function request(client, command, arguments, show)
  if not knows(client, command) then
    return warn(("the server does not know '%s'; install a newer homespun"):format(command))
  end
  -- An empty list would go out as an object where it came from JSON, and need not be there.
  local params = { command = command, arguments = #arguments > 0 and arguments or nil }
  client:request('workspace/executeCommand', params, function(failure, answer)
    if failure then
      return warn(failure.message)
    end
    local it = require('homespun').without_null(answer) or {}
    if failed(it) then
      return warn(it.message)
    end
    show(it)
  end, vim.api.nvim_get_current_buf())
end

local function float(lines)
  vim.lsp.util.open_floating_preview(lines, '', {
    border = 'rounded',
    focus = false, -- else a float that is open would be entered instead of replaced
    wrap = true,
    max_width = math.min(100, vim.o.columns - 4),
  })
end

local function quickfix(title, items)
  vim.fn.setqflist({}, ' ', { title = title, items = items })
  vim.cmd('botright copen')
end

local function location(it, text)
  return {
    filename = it.uri and vim.uri_to_fname(it.uri) or it.path, -- no uri: its folder is closed
    lnum = it.start_line,
    end_lnum = it.end_line,
    text = text,
  }
end

local function first_line(text)
  return vim.trim(vim.trim(text):match('^[^\n]*'))
end

local function status_lines(it)
  local lines = { it.state .. (it.percent and (' %d %%'):format(it.percent) or '') }
  if it.message ~= '' then
    table.insert(lines, it.message)
  end
  if it.pausedUntil then
    table.insert(lines, 'until ' .. require('homespun').clock(it.pausedUntil))
  end
  if it.fix then
    table.insert(lines, (':Homespun fix    %s'):format(it.fix.title))
  end
  table.insert(lines, ('model %s, adapter %s'):format(it.model, it.adapter))
  if type(it.adapterAge) == 'table' then
    table.insert(lines, it.adapterAge.sentence)
  end
  for _, folder in ipairs(it.folders or {}) do
    local message = folder.message ~= '' and ': ' .. folder.message or ''
    table.insert(lines, ('%s    %s%s'):format(folder.root, folder.state, message))
  end
  return lines
end

local function why_lines(it)
  local lines = { it.sentence }
  local details = it.details or {}
  for _, source in ipairs(details.sources or {}) do
    local lines_of = ('%s:%d-%d'):format(source.path, source.start_line, source.end_line)
    table.insert(lines, ('%s    %s'):format(lines_of, source.preview or ''))
  end
  local times = {}
  for stage, ms in vim.spairs(details.timings_ms or {}) do
    table.insert(times, ('%s %.0f ms'):format(stage, ms))
  end
  if #times > 0 then
    table.insert(lines, table.concat(times, ', '))
  end
  return lines
end

local function acceptance_lines(it)
  local lines = { it.message }
  for _, group in ipairs(it.groups or {}) do
    local accepted = group.accepted
    if accepted and accepted.share then
      local counted = ('%d of %d'):format(accepted.hits, accepted.of)
      local share = ('%.0f %% (%.0f-%.0f)'):format(
        100 * accepted.share,
        100 * accepted.low,
        100 * accepted.high
      )
      table.insert(lines, ('%-20s accepted %s, %s'):format(group.value, counted, share))
    end
  end
  return lines
end

local verbs = {}

function verbs.sources(client)
  request(client, 'homespun.showSources', {}, function(sources)
    if #sources == 0 then
      return say('the last suggestion was made without other code; :Homespun why says more')
    end
    quickfix(
      'Sources of the last suggestion',
      vim.tbl_map(function(source)
        return location(source, source.preview)
      end, sources)
    )
  end)
end

function verbs.why(client)
  request(client, 'homespun.why', {}, function(it)
    float(why_lines(it))
  end)
end

function verbs.search(client, query)
  local buffer = vim.api.nvim_get_current_buf()
  local function search(text)
    if not text or vim.trim(text) == '' then
      return
    end
    -- In the folder of this file; from elsewhere in all folders.
    local options = client.attached_buffers[buffer] and { uri = vim.uri_from_bufnr(buffer) }
    request(client, 'homespun.search', { text, options or nil }, function(answer)
      local hits = answer.hits or {}
      if answer.message and answer.message ~= '' then
        say(answer.message)
      end
      if #hits > 0 then
        quickfix(
          'Homespun search: ' .. text,
          vim.tbl_map(function(hit)
            return location(hit, hit.symbol ~= '' and hit.symbol or first_line(hit.text))
          end, hits)
        )
      end
    end)
  end
  if query ~= '' then
    return search(query)
  end
  vim.ui.input({ prompt = 'Search the repository: ' }, search)
end

function verbs.status(client)
  request(client, 'homespun.status', {}, function(it)
    float(status_lines(it))
  end)
end

function verbs.fix(client)
  request(client, 'homespun.status', {}, function(it)
    if not it.fix then
      return say('there is nothing to fix: ' .. it.state)
    end
    request(client, it.fix.command, it.fix.arguments or {}, function()
      say(it.fix.title .. ': begun; :Homespun status shows how it goes')
    end)
  end)
end

function verbs.pause(client, minutes)
  local number = tonumber(minutes)
  if minutes ~= '' and not (number and number > 0) then
    local advice = 'give none to pause until :Homespun resume'
    return warn(("'%s' is no number of minutes; %s"):format(minutes, advice))
  end
  request(client, 'homespun.pause', { number }, function(it)
    if it.pausedUntil then
      return say('paused until ' .. require('homespun').clock(it.pausedUntil))
    end
    say(it.message ~= '' and it.message or it.state)
  end)
end

function verbs.resume(client)
  request(client, 'homespun.resume', {}, function(it)
    say(it.state)
  end)
end

function verbs.adapters(client)
  request(client, 'homespun.adapters', {}, function(answer)
    local choices = answer.choices or {}
    if answer.message ~= '' then
      say(answer.message)
    end
    vim.ui.select(choices, {
      prompt = ('Adapter (now %s)'):format(answer.setting),
      format_item = function(choice)
        local about = choice.fits and choice.detail or 'does not fit: ' .. choice.why
        return ('%s    %s'):format(choice.id, about)
      end,
    }, function(choice)
      if choice then
        require('homespun').configure(client, 'completion', { adapter = choice.id })
        local keeps = ('adapter = "%s" under [completion] in homespun.toml keeps it'):format(choice.id)
        say(('adapter %s until Neovim closes; %s'):format(choice.id, keeps))
      end
    end)
  end)
end

function verbs.report(client)
  request(client, 'homespun.report', {}, function(answer)
    if not answer.uri then
      return say(answer.message)
    end
    vim.ui.open(answer.uri)
  end)
end

function verbs.acceptance(client)
  request(client, 'homespun.acceptance', {}, function(it)
    float(acceptance_lines(it))
  end)
end

function verbs.reindex(client)
  request(client, 'homespun.reindex', {}, function()
    say('every file is looked at again')
  end)
end

function verbs.restart()
  require('homespun.restart').restart()
  say('the server is started again')
end

function verbs.log()
  vim.cmd.tabedit(vim.fn.fnameescape(vim.lsp.log.get_filename()))
end

local needs_none = { log = true, restart = true } -- verbs that work without a server

--- The server of this buffer; from a list or a float, that of the window before, else any.
local function nearest()
  local homespun = require('homespun')
  local before = vim.fn.winbufnr(vim.fn.winnr('#'))
  return homespun.client()
    or (before > 0 and homespun.client(before))
    or vim.lsp.get_clients({ name = 'homespun' })[1]
end

local function run(command)
  local verb, argument = command.args:match('^(%S*)%s*(.-)%s*$')
  verb = verb == '' and 'status' or verb
  if not verbs[verb] then
    return warn(("there is no '%s'; :Homespun and Tab lists what there is"):format(verb))
  end
  if needs_none[verb] then
    return verbs[verb]()
  end
  local fallen = require('homespun').fallen()
  if fallen then
    return warn(fallen.message)
  end
  local client = nearest()
  if not client then
    return warn('no server runs; :checkhealth homespun says why')
  end
  verbs[verb](client, argument)
end

local function complete(lead, line)
  if not line:match('^%s*%S+%s+%S*$') then
    return {}
  end
  local names = vim.tbl_filter(function(verb)
    return vim.startswith(verb, lead)
  end, vim.tbl_keys(verbs))
  table.sort(names)
  return names
end

--- Define `:Homespun`.
function M.create()
  vim.api.nvim_create_user_command('Homespun', run, {
    nargs = '*',
    complete = complete,
    desc = 'homespun: status, sources, why, search QUERY, pause [MINUTES], resume, …',
  })
end

return M
