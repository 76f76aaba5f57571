; A function's signature and its equations become one definition. Captures: see captures.py.
(declarations (signature name: (variable) @name) @def.function)
(declarations (signature name: (prefix_id (_) @name)) @def.function)
(declarations (signature names: (binding_list name: (variable) @name)) @def.function)
(declarations (function name: (variable) @name) @def.function)
(declarations (function name: (prefix_id (_) @name)) @def.function)
(declarations (function (infix operator: (operator) @name)) @def.function)
(declarations (bind name: (variable) @name) @def.function)
(declarations (foreign_import signature: (signature name: (variable) @name)) @def.function)
(pattern_synonym (_ synonym: (_) @name)) @def.function
(class name: (_) @name declarations: (_) @body) @def.class
(class name: (_) @name) @def.class
(class_declarations (signature name: (variable) @name) @def.method)
(class_declarations (signature names: (binding_list name: (variable) @name)) @def.method)
(class_declarations (signature name: (prefix_id (_) @name)) @def.method)
(class_declarations (function name: (variable) @name) @def.method)
(class_declarations (bind name: (variable) @name) @def.method)
(instance name: (_) @name) @scope.type
(instance_declarations (function name: (variable) @name) @def.method)
(instance_declarations (bind name: (variable) @name) @def.method)
(data_type name: (_) @name) @def.type
(newtype name: (_) @name) @def.type
(type_synonym name: (_) @name) @def.type
(type_family name: (_) @name) @def.type
(data_family name: (_) @name) @def.type
(data_constructor (prefix name: (constructor) @name)) @def.constant
(data_constructor (record name: (constructor) @name)) @def.constant
(newtype_constructor name: (constructor) @name) @def.constant
(gadt_constructor name: (constructor) @name) @def.constant

(haddock) @comment
(comment) @comment
(declarations (signature) @lead)

(apply function: (variable) @call)
(apply function: (qualified id: (variable) @call))
(infix left_operand: (variable) @call operator: (operator) @_o
  (#any-of? @_o "$" "$!" "." "<$>" "<&>" "<*>" ">>=" "=<<" ">=>"))
(infix left_operand: (qualified id: (variable) @call) operator: (operator) @_o
  (#any-of? @_o "$" "$!" "." "<$>" "<&>" "<*>" ">>=" "=<<" ">=>"))

(import) @import.statement
