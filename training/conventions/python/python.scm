; What the rules for Python look at. Each capture is read by the rules in conventions_python_*.py.

(function_definition) @function
(class_definition
  body: (block
    [(function_definition) @method
     (decorated_definition definition: (function_definition) @method)]))
(module
  [(function_definition) @function.top
   (decorated_definition definition: (function_definition) @function.top)])
(class_definition) @class
(decorated_definition) @decorated

(import_statement) @import
(import_from_statement) @import.from
(future_import_statement) @import.future
(function_definition body: (block [(import_statement) (import_from_statement)] @import.inside))

(string) @string
(binary_operator left: [(string) (concatenated_string)] operator: "%") @percent
(binary_operator left: [(string) (concatenated_string)] operator: "+") @plus
(binary_operator operator: "+" right: [(string) (concatenated_string)]) @plus

(call) @call
(raise_statement) @raise
(try_statement) @try
(except_clause) @except
(if_statement) @if
(for_statement) @for

(module (expression_statement (assignment) @assignment.top))
(function_definition body: (block (expression_statement (assignment left: (identifier) @variable))))
(assignment) @assignment
(attribute object: (identifier) @receiver attribute: (identifier) @attribute
  (#eq? @receiver "self"))

(type) @type
(comment) @comment
(assert_statement) @assert
(with_item) @with
(integer) @integer
[(list) (dictionary) (argument_list) (parameters) (tuple) (set)] @brackets
