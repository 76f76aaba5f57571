; What the rules for JavaScript and TypeScript look at.

(function_declaration) @function
(generator_function_declaration) @function
(variable_declarator name: (identifier) value: [(arrow_function) (function_expression)]) @function.value
(arguments [(arrow_function) (function_expression)] @callback)
(class_declaration) @class
(method_definition) @method
(program (lexical_declaration) @declaration.top)
(program (export_statement (lexical_declaration) @declaration.top))
(lexical_declaration) @declaration
(variable_declaration) @declaration.var
(string) @string
(template_string) @template
(binary_expression left: (string) operator: "+") @plus
(binary_expression operator: "+" right: (string)) @plus
(import_statement) @import
(call_expression) @call
(export_statement) @export
(assignment_expression) @assignment
(await_expression) @await
(binary_expression) @binary
(arrow_function) @arrow
(pair key: (property_identifier) @pair.key value: (identifier) @pair.value)
(shorthand_property_identifier) @shorthand
(private_property_identifier) @private
(throw_statement) @throw
[(object) (array) (arguments)] @brackets
(expression_statement) @statement
(return_statement) @statement
(comment) @comment
