package feed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/activity/feed"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/registry"
)

const (
	org    = "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	member = "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	other  = "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"
)

// image is a row of an organization, with attributes that are texts unless they begin with a number sign.
func image(kind, by string, attributes ...string) string {
	all := append([]string{"PK", "ORG#" + org + "#" + kind, "SK", "x", "_type", kind, "_by", by, "_v", "#2"}, attributes...)
	last := map[string]string{}
	for i := 0; i < len(all); i += 2 {
		last[all[i]] = fmt.Sprintf(`{"S":%q}`, all[i+1])
		if number, ok := strings.CutPrefix(all[i+1], "#"); ok {
			last[all[i]] = fmt.Sprintf(`{"N":%q}`, number)
		}
	}
	var parts []string
	for name, value := range last {
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func record(t *testing.T, old, is string) job.Record {
	t.Helper()
	text := `"ApproximateCreationDateTime":1772442000`
	if old != "" {
		text += `,"OldImage":` + old
	}
	if is != "" {
		text += `,"NewImage":` + is
	}
	var r job.Record
	if err := json.Unmarshal([]byte(`{"dynamodb":{`+text+`}}`), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// line is what an act says, in one line.
func line(a *feed.Act) string {
	if a == nil {
		return ""
	}
	return strings.Join([]string{a.Time().Format("15:04:05.000"), a.Actor, string(a.Verb), a.Kind, a.Object, a.Parent, a.Status, a.Request}, " ")
}

func TestWhatAChangeTells(t *testing.T) {
	client := func(by string, more ...string) string {
		return image("CLIENT", by, append([]string{"id", "cli_1", "name", "Grace", "status", "active", "updated", "#1772442000001"}, more...)...)
	}
	mine := member + "/r1"
	stone := func(of string) string {
		return image("TOMBSTONE", "", "of", of, "id", "x", "GSI2SK", "2026-03-02T09:00:01.500Z#cli_1", "deleted", "#1772442001")
	}
	access := func(by string, more ...string) string {
		return image("ACCESS", by, append([]string{"org", org, "member", other, "role", "member", "user", "usr_1"}, more...)...)
	}
	entry := func(by, updated string) string {
		return image("TIMEENTRY", by, "id", "ent_1", "project", "prj_1", "note", "Meeting", "updated", updated)
	}
	tests := []struct {
		name    string
		was, is string
		want    string
	}{
		{"somebody makes a client", "", client(mine), "09:00:00.001 " + member + " created client cli_1   r1"},
		{"and changes it", client(mine), client(mine, "updated", "#1772442000002"), "09:00:00.002 " + member + " changed client cli_1   r1"},
		{"and archives it", client(mine), client(mine, "updated", "#1772442000002", "status", "archived"), "09:00:00.002 " + member + " changed client cli_1  archived r1"},
		{"a project of it is counted", client(mine), client(mine, "projects", "#1"), ""},
		{"a hold marks it", client(mine), client("job:place-holds/x", "held", "x"), ""},
		{"the worker of erasures takes the person off", client(mine), client("job:erase-recipients/x", "updated", "#1772442000002"), ""},
		{"another job changes it", client(mine), client("job:import-clients/x.1", "updated", "#1772442000002"), "09:00:00.002 job:import-clients changed client cli_1   x.1"},
		{"somebody deletes it", client(mine), stone("CLIENT"), "09:00:01.500  deleted client cli_1   "},
		{"it goes by TTL or a purge", client(mine), "", ""},
		{"a tombstone of something else", client(mine), stone("COLUMN"), ""},
		{"one of the staff changes it", client(mine), client("stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB/r", "updated", "#1772442000002"), "09:00:00.002  changed client cli_1   r"},
		{"somebody writes time down", "", entry(mine, "#1772442000003"), "09:00:00.003 " + member + " created time_entry ent_1 prj_1  r1"},
		{"a job puts it onto an invoice", entry(mine, "#1"), entry("job:assemble-invoice/x", "#1772442000003"), ""},
		{"a client opens an invoice", image("INVOICE", mine, "id", "inv_1", "client", "cli_1", "status", "sent", "updated", "#1"),
			image("INVOICE", "client/r2", "id", "inv_1", "client", "cli_1", "status", "viewed", "updated", "#1772442000004"), "09:00:00.004  changed invoice inv_1 cli_1 viewed r2"},
		{"a payment, which was not changed yet", "", image("PAYMENT", mine, "id", "pay_1", "invoice", "inv_1", "created", "#1"), "09:00:00.000 " + member + " created payment pay_1 inv_1  r1"},
		{"somebody joins", "", access(mine), "09:00:00.000 " + member + " created member " + other + "   r1"},
		{"gets another role", access(mine), access(mine, "role", "admin"), "09:00:00.000 " + member + " changed member " + other + "  admin r1"},
		{"leaves", access(mine), access(mine, "removed", "#1772442000"), "09:00:00.000 " + member + " deleted member " + other + "   r1"},
		{"is unlinked from the account", access(mine), access("job:sweep-retention/x", "user", ""), ""},
		{"receives the work of another", access(mine), access(mine, "receiving", "#1"), ""},
		{"comes onto a project", "", image("PROJECTMEMBER", mine, "project", "prj_1", "member", other, "role", "lead"), "09:00:00.000 " + member + " created project_member " + other + " prj_1  r1"},
		{"again, where they were taken off", stone("PROJECTMEMBER"), image("PROJECTMEMBER", mine, "project", "prj_1", "member", other, "role", "lead"), "09:00:00.000 " + member + " created project_member " + other + " prj_1  r1"},
		{"an organization begins", "", image("ORGANIZATION", mine, "org", org, "name", "Studio"), "09:00:00.000 " + member + " created organization " + org + "   r1"},
		{"and its gate with it", "", image("ORGGATE", mine, "org", org, "status", "active"), ""},
		{"it is called otherwise", image("ORGANIZATION", mine, "org", org, "name", "Studio"), image("ORGANIZATION", mine, "org", org, "name", "Atelier"), "09:00:00.000 " + member + " changed organization " + org + "   r1"},
		{"loses its phone", image("ORGANIZATION", mine, "org", org, "phone", "1"), image("ORGANIZATION", mine, "org", org), "09:00:00.000 " + member + " changed organization " + org + "   r1"},
		{"it is to close", image("ORGGATE", mine, "org", org, "status", "active"), image("ORGGATE", mine, "org", org, "status", "closing"), "09:00:00.000 " + member + " changed organization " + org + "  closing r1"},
		{"something is purged in it", image("ORGGATE", mine, "org", org, "status", "active"), image("ORGGATE", mine, "org", org, "status", "active", "purged_at", "#1"), ""},
		{"the ticket of a correspondent", "", image("TICKET", "x", "PK", "CASE#abc#TICKET", "id", "tkt_1", "updated", "#1772442000000"), ""},
		{"a mail", "", image("MAIL_OUT", mine, "id", "msg_1"), ""},
		{"an act itself, so that there is no loop", "", image("ACTIVITY", "job:dispatch-changes/x", "id", "act_1"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := feed.Read(record(t, tt.was, tt.is))
			if got := line(a); err != nil || got != tt.want {
				t.Errorf("Read = %q, %v; want %q", got, err, tt.want)
			}
			if again, _ := feed.Read(record(t, tt.was, tt.is)); a != nil && a.Keys() != again.Keys() {
				t.Errorf("Read twice = %v and %v; want one key", a.Keys(), again.Keys())
			}
		})
	}
}

func TestWhatNoActIsReadFrom(t *testing.T) {
	for name, is := range map[string]string{
		"no id":      image("CLIENT", member, "updated", "#1772442000000"),
		"no version": image("CLIENT", member, "id", "cli_1", "_v", ""),
	} {
		if a, err := feed.Read(record(t, "", is)); !errors.Is(err, feed.ErrMalformed) || a != nil {
			t.Errorf("%s: Read = %v, %v; want %v", name, a, err, feed.ErrMalformed)
		}
	}
}

func TestEveryChangeOfARowHasAnActOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, is := range []string{
		image("CLIENT", member, "id", "cli_1", "updated", "#1772442000000", "_v", "#1"), image("CLIENT", member, "id", "cli_1", "updated", "#1772442000000", "_v", "#2"),
		image("CLIENT", member, "id", "cli_1", "updated", "#1772442000000", "_v", "#2", "SK", "y"), image("CLIENT", member, "id", "cli_1", "updated", "#1772442000001", "_v", "#2"),
	} {
		a, err := feed.Read(record(t, "", is))
		if err != nil || seen[a.Keys().Primary.SK] {
			t.Fatalf("Read(%s) = %v, %v; want an act of its own", is, a, err)
		}
		seen[a.Keys().Primary.SK] = true
		if a.Keys().Primary.PK != "ORG#"+org+"#ACTIVITY#2026-03" || a.ExpiresAt != a.At/1000+365*24*3600 {
			t.Errorf("the act lies in %s until %d; want the month it was done in, and 365 days", a.Keys().Primary.PK, a.ExpiresAt)
		}
	}
}

func TestWhatEveryRowCarriesIsNoAct(t *testing.T) {
	for _, f := range registry.Meta() {
		was := image("ORGANIZATION", member, "org", org)
		if f.Name == "PK" || f.Name == "_type" || f.Name == "_by" {
			continue // they say what the row is, and whose
		}
		if a, err := feed.Read(record(t, was, image("ORGANIZATION", member, "org", org, f.Name, "#7"))); a != nil || err != nil {
			t.Errorf("a new %s gives %v, %v; want no act", f.Name, line(a), err)
		}
	}
}
