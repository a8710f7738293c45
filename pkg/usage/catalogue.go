package usage

import (
	"slices"
	"strings"
)

// Kind is one kind of event that may be told of.
type Kind struct {
	Name       string
	Properties []string // that an event of it has, all of them; their values are the ones of the lists below
}

// The names of properties.
const (
	screen   = "screen"
	platform = "platform"
	feature  = "feature"
	goal     = "step"
	seconds  = "seconds"
	millis   = "milliseconds"
)

// Catalogue lists every kind of event. There is no other, and no property whose value is not one of a few words: what a
// person writes, names or looks at cannot be told.
func Catalogue() []Kind {
	return []Kind{
		{"screen_viewed", []string{screen, platform, seconds}},
		{"screen_loaded", []string{screen, platform, millis}},
		{"error_shown", []string{screen, platform}},
		{"feature_used", []string{feature, platform}},
		{"step_reached", []string{goal}},
	}
}

// steps of a scale: the word for a number is that of the last step that it reaches.
type steps []struct {
	from int
	word string
}

func (s steps) word(n int) string {
	word := ""
	for _, step := range s {
		if n >= step.from {
			word = step.word
		}
	}
	return word
}

// scales say as what numbers are kept.
func scales() map[string]steps {
	return map[string]steps{
		seconds: {{0, "under_10s"}, {10, "under_1m"}, {60, "under_5m"}, {300, "under_30m"}, {1800, "longer"}},
		millis:  {{0, "under_500ms"}, {500, "under_1s"}, {1000, "under_3s"}, {3000, "under_10s"}, {10000, "slower"}},
	}
}

// EventIn is one event that a program tells of. Every property is a word of a list or a number within bounds.
type EventIn struct {
	Name         string `json:"name" enum:"screen_viewed,screen_loaded,error_shown,feature_used,step_reached" doc:"screen_viewed has screen, platform and seconds; screen_loaded has screen, platform and milliseconds; error_shown has screen and platform; feature_used has feature and platform; step_reached has step."`
	Screen       string `json:"screen,omitempty" enum:"start,projects,clients,timer,time_entries,reports,invoices,payments,files,members,settings,privacy,support" doc:"Which part of the app."`
	Platform     string `json:"platform,omitempty" enum:"web,mobile,desktop"`
	Feature      string `json:"feature,omitempty" enum:"timer_start,timer_stop,entry_by_hand,entry_edit,project_create,client_create,invoice_create,invoice_send,payment_record,payment_account,file_upload,report_open,member_invite,search,keyboard_shortcut,export,api_token,second_factor,passkey,help"`
	Step         string `json:"step,omitempty" enum:"signed_up,first_client,first_project,first_entry,first_invoice,first_payment,first_member" doc:"How far a new account has come."`
	Seconds      *int   `json:"seconds,omitempty" minimum:"0" maximum:"86400" doc:"How long; kept as one of five spans."`
	Milliseconds *int   `json:"milliseconds,omitempty" minimum:"0" maximum:"600000" doc:"How long; kept as one of five spans."`
	Ago          int    `json:"seconds_ago,omitempty" minimum:"0" maximum:"3600" default:"0" doc:"How long ago it happened. What happened before the person agreed is not kept; neither is the time of what happened after."`
}

// values are the properties that an event was told with, numbers as the words they are kept as.
func (e *EventIn) values() map[string]string {
	all := map[string]string{screen: e.Screen, platform: e.Platform, feature: e.Feature, goal: e.Step}
	if e.Seconds != nil {
		all[seconds] = scales()[seconds].word(*e.Seconds)
	}
	if e.Milliseconds != nil {
		all[millis] = scales()[millis].word(*e.Milliseconds)
	}
	return all
}

// Cell is an event without when it happened and to whom: its name and the words of its properties in the order of the
// catalogue, "feature_used/export/web".
type Cell string

// cell gives the cell of an event, or the property that it lacks or should not have.
func (e *EventIn) cell() (cell Cell, wrong string) {
	i := slices.IndexFunc(Catalogue(), func(k Kind) bool { return k.Name == e.Name })
	if i < 0 {
		return "", "name"
	}
	kind, values := Catalogue()[i], e.values()
	parts := []string{kind.Name}
	for _, p := range kind.Properties {
		if values[p] == "" {
			return "", p
		}
		parts = append(parts, values[p])
		delete(values, p)
	}
	for _, p := range []string{screen, platform, feature, goal, seconds, millis} {
		if values[p] != "" {
			return "", p
		}
	}
	return Cell(strings.Join(parts, "/")), ""
}
