using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Serval.Api;

namespace Serval.Kube.Streams;

/// <summary>How a remote command ended: what the error stream carries (cri-streaming remotecommand, writeStatus).</summary>
internal sealed class RemoteStatus
{
    private static readonly JsonWriterOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly int _exitCode;
    private readonly ApiException? _failure;

    public RemoteStatus(int exitCode) => _exitCode = exitCode;

    public RemoteStatus(ApiException failure) => _failure = failure;

    /// <summary>For protocols of before v4; empty when all went well.</summary>
    public string Text => _failure?.Message
        ?? (_exitCode == 0 ? "" : $"command terminated with non-zero exit code: command terminated with exit code {_exitCode}");

    public ReadOnlyMemory<byte> Json
    {
        get
        {
            var buffer = new ArrayBufferWriter<byte>(256);
            using (var writer = new Utf8JsonWriter(buffer, s_plain))
            {
                Write(writer);
            }
            return buffer.WrittenMemory;
        }
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        writer.WriteEndObject();
        writer.WriteString("status", Text.Length == 0 ? "Success" : "Failure");
        if (_failure is not null)
        {
            writer.WriteString("message", Text);
            writer.WriteString("reason", _failure.Reason);
            writer.WriteNumber("code", _failure.Code);
        }
        else if (_exitCode != 0)
        {
            writer.WriteString("message", Text);
            writer.WriteString("reason", "NonZeroExitCode");
            writer.WriteStartObject("details");
            writer.WriteStartArray("causes");
            writer.WriteStartObject();
            writer.WriteString("reason", "ExitCode");
            writer.WriteString("message", _exitCode.ToString(CultureInfo.InvariantCulture));
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }
}
