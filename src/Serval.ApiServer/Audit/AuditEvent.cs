using System.Globalization;
using System.Text.Json;
using Serval.Api;
using Serval.ApiServer.Access;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Audit;

/// <summary>What is kept of a request for the audit log: nothing of its body and none of its credentials.</summary>
internal sealed class AuditEvent
{
    // Whoever may ask at all, be it in vain, writes here: little enough that he neither fills memory nor pushes out what others did.
    private const int MostOfUri = 2048;
    private const int MostOfName = 256;
    private const int MostOfMessage = 4096;

    private const string Micro = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    private readonly string _id;
    private readonly string _stage;
    private readonly string _uri;
    private readonly RequestInfo _info;
    private readonly UserInfo _user;
    private readonly UserInfo? _impersonated;
    private readonly (string Name, string Uid, string Version) _object; // what the body says, which is not kept itself
    private readonly string _address;
    private readonly string _userAgent;
    private readonly int _code;
    private readonly (string Reason, string Message)? _failure;
    private readonly (string Decision, string Reason) _authorization;
    private readonly DateTimeOffset _received;
    private readonly DateTimeOffset _now;

    public AuditEvent(ApiRequest request, string stage, DateTimeOffset now)
    {
        var http = request.Http;
        _id = request.Id;
        _stage = stage;
        _uri = TextLimit.First(string.Concat(request.AskedPath, http.Request.QueryString.Value), MostOfUri);
        _info = request.Info with
        {
            Path = "", Verb = TextLimit.First(request.Info.Verb, MostOfName), Group = TextLimit.First(request.Info.Group, MostOfName), Version = TextLimit.First(request.Info.Version, MostOfName),
            Resource = TextLimit.First(request.Info.Resource, MostOfName), Subresource = TextLimit.First(request.Info.Subresource, MostOfName),
            Namespace = TextLimit.First(request.Info.Namespace, MostOfName), Name = TextLimit.First(request.Info.Name, MostOfName),
        };
        (_user, _impersonated) = request.Impersonator is { } asker ? (asker, request.User) : (request.User, null);
        _object = request.Object is { } meta ? (TextLimit.First(meta.Name, MostOfName), TextLimit.First(meta.Uid, MostOfName), TextLimit.First(meta.ResourceVersion, MostOfName))
            : ("", "", "");
        _address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        _userAgent = TextLimit.First(http.Request.Headers.UserAgent.ToString(), MostOfName);
        _code = http.Response.StatusCode;
        _failure = request.Failure is { } failure ? (failure.Reason, TextLimit.First(failure.Loggable, MostOfMessage)) : null;
        _authorization = request.Authorization;
        (_received, _now) = (request.Received, now);
    }

    /// <summary>Writes an Event of audit.k8s.io/v1 at level Metadata (apiserver: apis/audit/v1/types.go).</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "Event");
        writer.WriteString("apiVersion", "audit.k8s.io/v1");
        writer.WriteString("level", "Metadata");
        writer.WriteString("auditID", _id);
        writer.WriteString("stage", _stage);
        writer.WriteString("requestURI", _uri);
        writer.WriteString("verb", _info.Verb);
        writer.WritePropertyName("user");
        _user.ToJson().WriteTo(writer);
        if (_impersonated is not null)
        {
            writer.WritePropertyName("impersonatedUser");
            _impersonated.ToJson().WriteTo(writer);
        }
        writer.WriteStartArray("sourceIPs");
        writer.WriteStringValue(_address);
        writer.WriteEndArray();
        WriteText(writer, "userAgent", _userAgent);
        if (_info.IsResource)
        {
            WriteObject(writer);
        }
        WriteStatus(writer);
        writer.WriteString("requestReceivedTimestamp", _received.ToString(Micro, CultureInfo.InvariantCulture));
        writer.WriteString("stageTimestamp", _now.ToString(Micro, CultureInfo.InvariantCulture));
        if (_authorization.Decision.Length > 0)
        {
            writer.WriteStartObject("annotations");
            writer.WriteString("authorization.k8s.io/decision", _authorization.Decision);
            writer.WriteString("authorization.k8s.io/reason", _authorization.Reason);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private void WriteObject(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("objectRef");
        writer.WriteString("resource", _info.Resource);
        WriteText(writer, "namespace", _info.Namespace);
        WriteText(writer, "name", _info.Name.Length > 0 ? _info.Name : _object.Name);
        WriteText(writer, "uid", _object.Uid);
        WriteText(writer, "apiGroup", _info.Group);
        writer.WriteString("apiVersion", _info.Version);
        WriteText(writer, "resourceVersion", _object.Version);
        WriteText(writer, "subresource", _info.Subresource);
        writer.WriteEndObject();
    }

    private void WriteStatus(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("responseStatus");
        writer.WriteStartObject("metadata");
        writer.WriteEndObject();
        if (_failure is var (reason, message))
        {
            writer.WriteString("status", "Failure");
            WriteText(writer, "message", message);
            writer.WriteString("reason", reason);
        }
        writer.WriteNumber("code", _code);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string text)
    {
        if (text.Length > 0)
        {
            writer.WriteString(name, text);
        }
    }
}
