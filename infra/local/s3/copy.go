package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"os"
	"strings"
)

type copyResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	LastModified string   `xml:"LastModified"`
	ETag         string   `xml:"ETag"`
	ChecksumType string   `xml:"ChecksumType"`
	checksumElements
}

// copyObject makes a new object of the bytes of another one, which the caller must be allowed to read.
func (s *Server) copyObject(c *call) error {
	from, key, id, err := s.copySource(c)
	if err != nil {
		return err
	}
	action := "s3:GetObject"
	if id != "" {
		action = "s3:GetObjectVersion"
	}
	if err := s.allowIn(c, from, action, key); err != nil {
		return err
	}
	if err := s.allow(c, "s3:PutObject", c.key); err != nil {
		return err
	}
	src, err := s.open(c, from, key, id)
	if err != nil {
		return err
	}
	defer s.shelf.release(src)
	if err := checkRead(c.r.Header, "X-Amz-Copy-Source-", src); err != nil {
		return err
	}
	if src.size > maxObject {
		return errTooLarge
	}
	replaces, err := s.directives(c)
	if err != nil {
		return err
	}
	if from == c.bucket && key == c.key && id == "" && !replaces {
		return errSameCopy
	}
	v, err := s.describe(c)
	if err != nil {
		return err
	}
	if c.r.Header.Get("X-Amz-Metadata-Directive") != "REPLACE" {
		keepMetadata(v, src)
	}
	if c.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		v.tags = src.tags
	}
	if err := s.copyBody(c, v, src); err != nil {
		return err
	}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	if err := checkWrite(c); err != nil {
		erase(v.segments)
		return err
	}
	s.shelf.put(c.bucket, v)
	s.answerWritten(c, v)
	if from.Versioning {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", src.id)
	}
	writeXML(c.w, http.StatusOK, copyResult{LastModified: stamp(v.created), ETag: v.etag, ChecksumType: v.checksumType(), checksumElements: elementsOf(v.checksums)})
	return nil
}

// directives says whether a copy gets anything that its source has not.
func (s *Server) directives(c *call) (replaces bool, err error) {
	h := c.r.Header
	for _, name := range []string{"X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive"} {
		if d := h.Get(name); d != "" && d != "COPY" && d != "REPLACE" {
			return false, &problem{http.StatusBadRequest, "InvalidArgument", "Unknown directive " + name + "."}
		}
	}
	return h.Get("X-Amz-Metadata-Directive") == "REPLACE" || h.Get("X-Amz-Storage-Class") != "" || h.Get("X-Amz-Server-Side-Encryption") != "" ||
		h.Get("X-Amz-Website-Redirect-Location") != "", nil
}

func (s *Server) copySource(c *call) (from *bucket, key, id string, err error) {
	path, query, _ := strings.Cut(c.r.Header.Get("X-Amz-Copy-Source"), "?")
	name, raw, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !strings.Contains(strings.TrimPrefix(path, "/"), "/") { // the slash between bucket and key may be escaped, too
		plain, err := url.PathUnescape(name)
		if err != nil {
			return nil, "", "", errMalformedSource
		}
		name, raw, _ = strings.Cut(plain, "/")
		raw = url.PathEscape(raw)
	}
	if key, err = url.PathUnescape(raw); err != nil || key == "" {
		return nil, "", "", errMalformedSource
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, "", "", errMalformedSource
	}
	if from = s.shelf.buckets[name]; from == nil {
		return nil, "", "", errNoBucket
	}
	return from, key, values.Get("versionId"), nil
}

func keepMetadata(v, src *version) {
	for name, values := range src.header {
		if !strings.HasPrefix(name, "X-Amz-Server-Side-Encryption") && name != "X-Amz-Storage-Class" {
			v.header[name] = values
		}
	}
}

// copyBody gives v the bytes of src in files of its own, and the checksum that the caller asks for.
func (s *Server) copyBody(c *call, v, src *version) error {
	v.size, v.etag, v.checksums, v.composite = src.size, src.etag, src.checksums, src.composite
	for _, g := range src.segments {
		own := segment{path: s.shelf.newFile(), size: g.size}
		if err := os.Link(g.path, own.path); err != nil {
			erase(v.segments)
			return err
		}
		v.segments = append(v.segments, own)
	}
	a := strings.ToLower(c.r.Header.Get("X-Amz-Checksum-Algorithm"))
	if newSum(a) == nil || v.checksums[a] != "" && !v.composite {
		return nil
	}
	sum, err := sumOf(a, v.segments)
	if err != nil {
		erase(v.segments)
		return err
	}
	v.checksums, v.composite = map[string]string{a: sum}, false
	return nil
}
