; Everything is a call in Elixir: what it means is told by its name. Captures: see captures.py.
(call target: (identifier) @_m (arguments . (alias) @name) (do_block)
  (#eq? @_m "defmodule")) @def.module
(call target: (identifier) @_m (arguments . (alias) @name) (do_block)
  (#eq? @_m "defprotocol")) @def.interface
(call target: (identifier) @_m (arguments . (alias) @name) (do_block)
  (#eq? @_m "defimpl")) @scope.type

(call target: (identifier) @_m
  (arguments . [
    (call target: (identifier) @name)
    (identifier) @name
    (binary_operator left: [(call target: (identifier) @name) (identifier) @name] operator: "when")]
    . (keywords (pair key: (keyword) @_k)) @body)
  (#any-of? @_m "def" "defp") (#match? @_k "^do:")) @def.function
(call target: (identifier) @_m
  (arguments . [
    (call target: (identifier) @name)
    (identifier) @name
    (binary_operator left: [(call target: (identifier) @name) (identifier) @name] operator: "when")])
  (#any-of? @_m "def" "defp" "defdelegate" "defn" "defnp")) @def.function
(call target: (identifier) @_m
  (arguments . [
    (call target: (identifier) @name)
    (identifier) @name
    (binary_operator left: [(call target: (identifier) @name) (identifier) @name] operator: "when")])
  (#any-of? @_m "defmacro" "defmacrop" "defguard" "defguardp")) @def.macro
(call target: (identifier) @_m (arguments . (string (quoted_content) @name)) (do_block)
  (#eq? @_m "test")) @def.test

(unary_operator operand: (call target: (identifier) @_m (arguments . (binary_operator
  left: [(identifier) @name (call target: (identifier) @name)] operator: "::")))
  (#any-of? @_m "type" "typep" "opaque")) @def.type
(unary_operator operand: (call target: (identifier) @_m (arguments . (binary_operator
  left: (call target: (identifier) @name) operator: "::")))
  (#any-of? @_m "callback" "macrocallback")) @def.function
(do_block (unary_operator operand: (call target: (identifier) @name (arguments . (_)))
  (#not-match? @name "^(?:doc|moduledoc|typedoc|spec|type|typep|opaque|callback|macrocallback|impl|behaviour|deprecated|tag|moduletag|describetag|dialyzer|compile|before_compile|after_compile|on_definition|derive|enforce_keys|optional_callbacks|external_resource|since|on_load|vsn)$")) @def.constant)

(do_block (unary_operator operand: (call target: (identifier) @_m (arguments . (_) @doc)))
  (#eq? @_m "moduledoc")) @of
(unary_operator operand: (call target: (identifier) @_m)
  (#any-of? @_m "doc" "typedoc")) @comment
(unary_operator operand: (call target: (identifier) @_m)
  (#any-of? @_m "spec" "impl" "deprecated" "tag" "dialyzer")) @lead
(comment) @comment

(call target: (identifier) @call
  (#not-match? @call "^(?:def|defp|defmacro|defmacrop|defmodule|defprotocol|defimpl|defguard|defguardp|defdelegate|defstruct|defexception|alias|import|use|require|if|unless|case|cond|with|for|try|receive|quote|unquote|doc|moduledoc|typedoc|type|typep|opaque|callback|test|describe|derive|behaviour)$"))
(call target: (dot right: (identifier) @call) (arguments))

(call target: (identifier) @_m (arguments)
  (#any-of? @_m "alias" "import" "use" "require")) @import.statement
