package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/pkg/picture/picturetest"
)

// pictures are where the picture of a person and the logo of their organization are.
var pictures = map[string]string{"avatar": "/v1/me/avatar", "logo": "/v1/org/logo"}

// askForPicture announces a picture and uploads it, and gives the upload's id.
func (c *caller) askForPicture(path string) string {
	c.t.Helper()
	n := sequence.Add(1)
	content := picturetest.PNG(c.t, color.RGBA{R: byte(n), G: byte(n >> 8), B: byte(n >> 16), A: 255}, 40, 30)
	asked := c.must(200, journey.Call{Method: "PUT", Path: path, Body: picturetest.Announce(content, "image/png")})
	if got := put(c.t, asked, nil, content); got != http.StatusOK {
		c.t.Fatalf("the upload = %d", got)
	}
	return asked.Text("upload_id")
}

// newPicture puts a picture and gives its id.
func (c *caller) newPicture(path string) string {
	c.t.Helper()
	upload := c.askForPicture(path)
	c.must(200, journey.Call{Method: "POST", Path: path + "/confirm", Body: map[string]any{"upload_id": upload}})
	return upload
}

func pictureSteps() []step {
	var all []step
	for name, path := range pictures {
		all = append(all,
			step{operation: "get-" + name, status: 200, prepare: func(p *caller) journey.Call {
				p.newPicture(path)
				return journey.Call{Method: "GET", Path: path}
			}},
			step{operation: "put-" + name, status: 200, prepare: func(p *caller) journey.Call {
				return journey.Call{Method: "PUT", Path: path, Body: picturetest.Announce([]byte("x"), "image/png")}
			}},
			step{operation: "confirm-" + name, status: 200, prepare: func(p *caller) journey.Call {
				return journey.Call{Method: "POST", Path: path + "/confirm", Body: map[string]any{"upload_id": p.askForPicture(path)}, Key: "key-" + unique()}
			}},
			step{operation: "delete-" + name, status: 204, prepare: func(p *caller) journey.Call {
				p.newPicture(path)
				return journey.Call{Method: "DELETE", Path: path, IfMatch: p.etag(path)}
			}, again: []int{404, 412}})
	}
	return append(all, step{operation: "get-member-avatar", status: 200, prepare: func(p *caller) journey.Call {
		p.newPicture(pictures["avatar"])
		return journey.Call{Method: "GET", Path: "/v1/members/" + p.self() + "/avatar"}
	}})
}

// TestAColleagueSeesAPicture looks at a member's picture as a colleague, until the member is removed.
func TestAColleagueSeesAPicture(t *testing.T) {
	owner := signUp(t)
	other, member := owner.colleague("member")
	see := journey.Call{Method: "GET", Path: "/v1/members/" + member + "/avatar?size=large"}
	owner.must(404, see)
	other.newPicture(pictures["avatar"])
	a := owner.must(200, see)
	if m, kind, err := image.Decode(bytes.NewReader(a.Body)); err != nil || kind != "jpeg" || m.Bounds().Dx() != 512 {
		t.Errorf("the picture is a %s: %v; want a JPEG of 512 dots", kind, err)
	}
	for name, all := range a.Header {
		if strings.Contains(strings.Join(all, " "), other.user) {
			t.Errorf("the header %s names the person", name)
		}
	}
	owner.must(204, journey.Call{Method: "DELETE", Path: "/v1/members/" + member, IfMatch: "*"})
	owner.must(404, see)
}

// TestAPictureLeavesNothing puts, replaces and removes pictures and looks for what is left of them, in any version of any
// bucket.
func TestAPictureLeavesNothing(t *testing.T) {
	p := signUp(t)
	for name, path := range pictures {
		t.Run(name, func(t *testing.T) {
			p.t = t
			a := p.must(200, journey.Call{Method: "PUT", Path: path, Body: picturetest.Announce([]byte("x"), "image/png")})
			if a := p.call(journey.Call{Method: "POST", Path: path + "/confirm", Body: map[string]any{"upload_id": a.Text("upload_id")}}); a.Code() != "upload_missing" {
				t.Errorf("the confirmation of what was not uploaded = %d %s; want upload_missing", a.Status, a.Body)
			}
			first := p.askForPicture(path)
			for _, shown := range []journey.Answer{p.must(200, journey.Call{Method: "POST", Path: path + "/confirm", Body: map[string]any{"upload_id": first}}), p.must(200, journey.Call{Method: "GET", Path: path})} {
				for _, link := range []string{shown.Text("url"), shown.Text("small_url")} {
					status, drawn := fetch(t, link)
					if _, _, err := image.Decode(bytes.NewReader(drawn)); status != http.StatusOK || err != nil {
						t.Errorf("what a link leads to = %d, %v", status, err)
					}
				}
			}
			second := p.newPicture(path)
			if n := versions("pictures/" + first); n != 1 {
				t.Errorf("of the replaced picture there are %d versions; want the sealed place of its upload alone", n)
			}
			third := p.askForPicture(path)
			p.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: p.etag(path)})
			p.must(404, journey.Call{Method: "GET", Path: path})
			if n := versions(second) + versions(third); n != 0 {
				t.Errorf("of what was removed there are %d versions", n)
			}
			overtaken := journey.Call{Method: "POST", Path: path + "/confirm", Body: map[string]any{"upload_id": p.askForPicture(path)}, Key: "key-" + unique()}
			late := ""
			if a := held(p, overtaken, "TransactWriteItems", func() { late = p.askForPicture(path) }); a.Code() != "upload_not_found" {
				t.Errorf("a confirmation that another announcement overtook = %d %s; want upload_not_found", a.Status, a.Body)
			}
			kept := p.newPicture(path)
			never := p.askForPicture(path) // beside what is shown
			p.sweepFor(24*time.Hour + time.Minute)
			if n := versions("pictures/"); n < 2 {
				t.Errorf("%d versions; want those of what is shown", n)
			}
			for what, id := range map[string]string{"overtaken": overtaken.Body.(map[string]any)["upload_id"].(string), "late": late, "never confirmed": never, "first": first} {
				if n := versions(id); n != 0 {
					t.Errorf("of the picture that was %s there are %d versions", what, n)
				}
			}
			if n := versions(kept); n != 2 {
				t.Errorf("of what is shown there are %d versions; want its two sizes", n)
			}
			p.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: "*"})
			alone := p.askForPicture(path) // with nothing beside it
			p.sweepFor(24*time.Hour + time.Minute)
			if n := versions(alone); n != 0 {
				t.Errorf("of an upload that nobody confirmed there are %d versions", n)
			}
		})
	}
	p.t = t
}

// sweepFor lets time pass, sweeps, and sweeps again for what was put off.
func (c *caller) sweepFor(d time.Duration) {
	c.t.Helper()
	pass(d)
	for range 2 {
		if err := c.RunJob(c.t.Context(), "SweepUploads"); err != nil {
			c.t.Fatal(err)
		}
		pass(2 * time.Minute)
	}
	c.logIn()
}

// broken does something while no object can be deleted by the call with a mark.
func (c *caller) broken(mark string, do func()) {
	c.t.Helper()
	if err := cloud.Faults.Add(calls.Plan{RequestID: mark, Service: "s3", Operation: "DeleteObject", Kind: "error", Times: -1}); err != nil {
		c.t.Fatal(err)
	}
	do()
	if cloud.Faults.Forget(mark) == 0 {
		c.t.Fatal("the fault did not come")
	}
}

// TestAPictureThatCouldNotBeRemoved removes pictures while no object can be deleted.
func TestAPictureThatCouldNotBeRemoved(t *testing.T) {
	p := signUp(t)
	for _, path := range pictures {
		id := p.newPicture(path)
		mark := "broken-" + unique()
		p.broken(mark, func() {
			p.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: "*", Headers: map[string]string{"X-Local-Request": mark}})
		})
		if versions(id) < 2 {
			t.Fatal("the fault did not come")
		}
		p.sweepFor(17 * time.Minute)
		if n := versions(id); n != 0 {
			t.Errorf("%d versions are left", n)
		}
	}
}

// TestAPictureGoesWithItsAccount exports what a person has, their picture with it, and erases it.
func TestAPictureGoesWithItsAccount(t *testing.T) {
	p := signUp(t)
	id := p.newPicture(pictures["avatar"])
	p.askForPicture(pictures["avatar"])
	p.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": "access", "description": "Everything, please."}})
	request := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr"}).Text("data.0.id")
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	status, archive := fetch(t, p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + request + "/download"}).Text("url"))
	if status != http.StatusOK {
		t.Fatalf("the package = %d", status)
	}
	text, err := journey.CheckPackage(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"files/picture/avatar.jpg", id} {
		if !strings.Contains(text, want) && !bytes.Contains(archive, []byte(want)) {
			t.Errorf("the package does not hold %q", want)
		}
	}
	p.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		p.settle()
		pass(16 * time.Minute)
		if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
	}
	if n := versions("USER/" + p.user); n != 0 {
		t.Errorf("%d versions are left", n)
	}
	pass(24 * time.Hour)
	for range 2 {
		if err := p.RunJob(t.Context(), "SweepUploads"); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
	}
	rows, err := cloud.Rows(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if pk, _ := r["PK"].(string); strings.HasPrefix(pk, "DUE#picture") && strings.Contains(fmt.Sprint(r), p.user) {
			t.Errorf("a clock is left: %v", r)
		}
	}
}
