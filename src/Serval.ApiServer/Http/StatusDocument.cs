using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>Writes the <c>Status</c> object that tells how a request ended.</summary>
internal static class StatusDocument
{
    public static readonly JsonWriterOptions Writer = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static byte[] Failure(ApiException error)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Writer))
        {
            Begin(writer, "Failure", error.Continue);
            writer.WriteString("message", error.Message);
            writer.WriteString("reason", error.Reason);
            WriteDetails(writer, error);
            writer.WriteNumber("code", error.Code);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What a finished delete answers with.</summary>
    public static byte[] Deleted(ResourceKind kind, KubeObject obj)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Writer))
        {
            Begin(writer, "Success");
            writer.WriteStartObject("details");
            writer.WriteString("name", obj.Metadata.Name);
            if (kind.Group.Length > 0)
            {
                writer.WriteString("group", kind.Group);
            }
            writer.WriteString("kind", kind.Plural);
            writer.WriteString("uid", obj.Metadata.Uid);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What an action answers with that makes something happen and nothing to show.</summary>
    public static byte[] Done()
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer, Writer))
        {
            Begin(writer, "Success");
            writer.WriteNumber("code", 201);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void Begin(Utf8JsonWriter writer, string status, string next = "")
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "Status");
        writer.WriteString("apiVersion", "v1");
        writer.WriteStartObject("metadata");
        if (next.Length > 0)
        {
            writer.WriteString("continue", next);
        }
        writer.WriteEndObject();
        writer.WriteString("status", status);
    }

    private static void WriteDetails(Utf8JsonWriter writer, ApiException error)
    {
        if (error.Details is null && error.Causes.Count == 0)
        {
            return; // BadRequest, Unauthorized and others are about no object
        }
        writer.WriteStartObject("details");
        foreach (var (name, value) in error.Details?.Where(d => d.Key != "causes") ?? [])
        {
            writer.WritePropertyName(name);
            if (value is null)
            {
                writer.WriteNullValue();
            }
            else
            {
                value.WriteTo(writer);
            }
        }
        if (error.Causes.Count > 0)
        {
            writer.WriteStartArray("causes");
            foreach (var cause in error.Causes)
            {
                writer.WriteStartObject();
                writer.WriteString("reason", cause.Reason);
                writer.WriteString("message", cause.Message);
                if (cause.Field.Length > 0)
                {
                    writer.WriteString("field", cause.Field);
                }
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }
}
