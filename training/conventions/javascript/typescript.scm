; What TypeScript adds to conventions_javascript.scm.

(interface_declaration) @interface
(type_alias_declaration) @alias
(array_type) @array
(generic_type name: (type_identifier) @generic)
(predefined_type) @predefined
(accessibility_modifier) @accessibility
(enum_declaration) @enum
(literal_type) @literal
