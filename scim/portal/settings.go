package portal

// ChoiceNames are the settings that a customer may be let decide.
func ChoiceNames() []string { return nil }
