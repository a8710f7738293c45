package s3

import (
	"encoding/xml"
	"errors"
	"net/http"

	"pixeltrack.io/platform/infra/local/sigv4"
)

// problem is an error as S3 answers it.
type problem struct {
	status  int
	code    string
	message string
}

// Error gives code and message.
func (p *problem) Error() string { return p.code + ": " + p.message }

var (
	errTooLarge        = &problem{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
	errDenied          = &problem{http.StatusForbidden, "AccessDenied", "Access Denied"}
	errNoBucket        = &problem{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	errNoKey           = &problem{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	errNoVersion       = &problem{http.StatusNotFound, "NoSuchVersion", "The specified version does not exist."}
	errNoUpload        = &problem{http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}
	errPrecondition    = &problem{http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
	errMethod          = &problem{http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource."}
	errNotBuilt        = &problem{http.StatusNotImplemented, "NotImplemented", "A header or query you provided implies functionality that is not implemented"}
	errMalformedXML    = &problem{http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"}
	errInvalidPart     = &problem{http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."}
	errPartOrder       = &problem{http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be specified in order by part number."}
	errTooSmall        = &problem{http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"}
	errInvalidRange    = &problem{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable"}
	errLongKey         = &problem{http.StatusBadRequest, "KeyTooLongError", "Your key is too long"}
	errIncomplete      = &problem{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	errNoLength        = &problem{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	errBodyHash        = &problem{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."}
	errDigest          = &problem{http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified is not valid."}
	errVersionID       = &problem{http.StatusBadRequest, "InvalidArgument", "Invalid version id specified"}
	errMetadata        = &problem{http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"}
	errNotModified     = &problem{http.StatusNotModified, "NotModified", "Not Modified"}
	errTags            = &problem{http.StatusBadRequest, "InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."}
	errSameCopy        = &problem{http.StatusBadRequest, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."}
	errMalformedSource = &problem{http.StatusBadRequest, "InvalidArgument", "Invalid copy source"}
	errInternalFault   = &problem{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}
)

// problemOf turns any error into S3's words.
func problemOf(err error) *problem {
	var p *problem
	var signature *sigv4.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &signature):
		return &problem{signature.Status, signature.Code, signature.Message}
	case errors.Is(err, sigv4.ErrBody):
		return errBodyHash
	case errors.Is(err, sigv4.ErrChunks):
		return &problem{http.StatusBadRequest, "IncompleteBody", "The aws-chunked body is malformed"}
	}
	return errInternalFault
}

type errorAnswer struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string   `xml:"Code"`
	Message   string   `xml:"Message"`
	Resource  string   `xml:"Resource"`
	RequestID string   `xml:"RequestId"`
}

func (p *problem) write(w http.ResponseWriter, r *http.Request, requestID string) {
	if p.status == http.StatusNotModified {
		w.WriteHeader(p.status)
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "application/xml") // of the body that a GET would have got
		w.WriteHeader(p.status)
		return
	}
	writeXML(w, p.status, errorAnswer{Code: p.code, Message: p.message, Resource: r.URL.Path, RequestID: requestID})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	text, err := xml.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	w.Write([]byte(xml.Header)) // a caller who has gone is no news
	w.Write(text)
}
