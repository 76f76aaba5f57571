-- What keys do with ghost text when Neovim gets them late, several at once, as on a busy machine;
-- tests/e2e/test_neovim_keys.py runs these tests, HOMESPUN_GHOST_TEXT says for which ghost text.
dofile(vim.env.HOMESPUN_NVIM_FAKE)
local homespun = require('homespun')

local METHOD = 'textDocument/inlineCompletion'
local ACCEPTED = { command = 'homespun.accepted', arguments = { '7' } }
local drawn = vim.env.HOMESPUN_GHOST_TEXT == 'drawn'

-- What the keys did before.
vim.keymap.set('i', '<F5>', function()
  vim.api.nvim_put({ 'é' }, 'c', false, true)
end)
vim.keymap.set('i', '<F6>', function()
  return 'é<lt>'
end, { expr = true, replace_keycodes = true })
vim.keymap.set('i', '<F7>', '"é" .. "7"', { expr = true })
local keys = { accept_word = '<M-Right>', accept = '<Tab>' }
local options = { ghost_text = vim.env.HOMESPUN_GHOST_TEXT, keys = keys }
for _, key in ipairs({ '<F5>', '<F6>', '<F7>', '<F8>' }) do
  keys.accept_line = key
  OPEN('demo.py', options)
end
OPEN('demo.py', options) -- a second time: the module finds its own mapping

--- Suggest `text` at the end of `line`, and nothing elsewhere.
local function suggest(line, text)
  ANSWERS[METHOD] = function(params)
    local at_end = vim.api.nvim_get_current_line() == line and params.position.character == #line
    local place = { start = params.position, ['end'] = params.position }
    return { items = at_end and { { insertText = text, range = place, command = ACCEPTED } } or {} }
  end
end

--- Return the ghost text that is on the screen, '' where none is.
local function ghost()
  for _, namespace in ipairs({ 'homespun', 'nvim.lsp.inline_completion' }) do
    local id = vim.api.nvim_create_namespace(namespace)
    local marks = vim.api.nvim_buf_get_extmarks(0, id, 0, -1, { details = true })
    if marks[1] then
      return marks[1][4].virt_text[1][1]
    end
  end
  return ''
end

local function press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 't', false)
end

--- In a new line type `typed`, and each time that the next step's `seen` is true press its keys,
--- all at once; the last have to leave insert mode. Return the lines of the file then.
local function type_in(typed, steps)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, { '' })
  vim.wait(20)
  local timer = assert(vim.uv.new_timer())
  local begun, problem = vim.uv.now(), nil
  timer:start(10, 10, vim.schedule_wrap(function()
    if #steps == 0 then
      return
    elseif vim.uv.now() - begun > 60000 then
      problem, steps = 'this was waited for in vain: ' .. steps[1].what, {}
      press('<C-\\><C-n>')
    elseif steps[1].seen() then
      press(table.remove(steps, 1).keys)
    end
  end))
  vim.api.nvim_feedkeys(vim.keycode('i' .. typed), 'tx!', false)
  timer:close()
  assert(not problem, problem)
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function at_ghost(text, keys)
  return {
    what = 'ghost text ' .. text,
    keys = keys,
    seen = function()
      return ghost() == text
    end,
  }
end

local function in_insert_mode(keys)
  return {
    what = 'insert mode',
    keys = keys,
    seen = function()
      return vim.fn.mode() == 'i'
    end,
  }
end

local function told()
  return SENT_OF('workspace/executeCommand')
end

TEST('who leaves insert mode right behind Tab keeps the suggestion', function()
  suggest('total', ' = né')
  EQUAL(type_in('total', { at_ghost(' = né', '<Tab><Esc>') }), { 'total = né' })
  EQUAL(told(), { ACCEPTED })
end)

TEST('what is typed right behind Tab comes behind the suggestion', function()
  suggest('total', ' = né\n1')
  EQUAL(type_in('total', { at_ghost(' = né', '<Tab>)<CR>x<Esc>') }), { 'total = né', '1)', 'x' })
  EQUAL(told(), { ACCEPTED })
end)

TEST('what is typed of the suggestion right before Tab is not inserted again', function()
  suggest('total', ' = né')
  EQUAL(type_in('total', { at_ghost(' = né', ' =<Tab><Esc>') }), { 'total = né' })
end)

TEST('a word and then the rest are accepted in one go', function()
  suggest('total', ' = né')
  EQUAL(type_in('total', { at_ghost(' = né', '<M-Right><Tab>)<Esc>') }), { 'total = né)' })
  EQUAL(told(), { ACCEPTED })
  EQUAL(SENT_OF('textDocument/didPartiallyAcceptCompletion')[1].acceptedLength, 2)
end)

TEST('Tab right behind a key that the suggestion did not foresee indents', function()
  suggest('total', ' = né')
  EQUAL(type_in('total', { at_ghost(' = né', 'x<Tab>y<Esc>') }), { 'totalx  y' })
  EQUAL(told(), {})
end)

TEST('Tab behind all that is suggested indents', function()
  suggest('total', ' = né')
  EQUAL(type_in('total', { at_ghost(' = né', ' = né<Tab>x<Esc>') }), { 'total = né  x' })
  EQUAL(told(), {})
end)

if drawn then
  TEST('what is dismissed goes, and the server is told; who leaves insert mode dismisses nothing', function()
    suggest('total', ' = né')
    EQUAL(type_in('total', { at_ghost(' = né', '<C-]>'), at_ghost('', '<Esc>') }), { 'total' })
    EQUAL(told(), { { command = 'homespun.dismissed', arguments = { '7' } } })
    EQUAL(type_in('total', { at_ghost(' = né', '<Esc>') }), { 'total' })
    EQUAL(#told(), 1)
  end)
end

TEST('a key that nothing is suggested for does what it did before, in its turn', function()
  local keys_of_all = in_insert_mode('a<F5>b<F6>c<F7>d<F8>e<Tab>f<Esc>')
  EQUAL(type_in('', { keys_of_all }), { 'aébé<cé7d<F8>e  f' })
end)

TEST('a suggestion in the place of other text takes that place', function()
  ANSWERS[METHOD] = function(params)
    local place = { start = { line = 0, character = 1 }, ['end'] = params.position }
    return { items = { { insertText = 'total', range = place, command = ACCEPTED } } }
  end
  local any_ghost = {
    what = 'ghost text',
    keys = '<Tab>)<Esc>',
    seen = function()
      return ghost() ~= ''
    end,
  }
  EQUAL(type_in('(to', { any_ghost }), { '(total)' })
  EQUAL(told(), { ACCEPTED })
end)

TEST('what is shown of a server that died can be accepted', function()
  suggest('total', ' = né')
  local alive = at_ghost(' = né', '')
  local dead = at_ghost(' = né', '<Tab>)<Esc>')
  local is_shown = alive.seen
  function alive.seen()
    if is_shown() then
      DIE(0, 9)
      return true
    end
  end
  function dead.seen()
    return homespun.fallen() and is_shown()
  end
  vim.v.errmsg = ''
  EQUAL(type_in('total', { alive, dead }), { 'total = né)' })
  EQUAL(vim.v.errmsg, '')
  EQUAL(SAID, {})
  WAIT_FOR_SERVER()
end)

if drawn then
  TEST('an answer that comes after its suggestion was dismissed is not shown', function()
    suggest('total', ' = né')
    local dismissed = at_ghost(' = né', '<M-\\><C-]>')
    local left = { what = 'an answer', keys = '<Esc>' }
    local seen
    function left.seen()
      seen = ghost()
      return #SENT_OF(METHOD) == 2
    end
    EQUAL(type_in('total', { dismissed, left }), { 'total' })
    EQUAL(seen, '')
  end)
end

REPORT()
