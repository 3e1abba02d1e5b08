using System.Globalization;
using Serval.Api;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Streams;

/// <summary>How a remote command ended: what the error stream carries (cri-streaming remotecommand, writeStatus).</summary>
internal sealed class RemoteStatus
{
    private readonly int _exitCode;
    private readonly ApiException? _failure;

    public RemoteStatus(int exitCode) => _exitCode = exitCode;

    public RemoteStatus(ApiException failure) => _failure = failure;

    /// <summary>For protocols of before v4; empty when all went well.</summary>
    public string Text => _failure?.Message
        ?? (_exitCode == 0 ? "" : $"command terminated with non-zero exit code: command terminated with exit code {_exitCode}");

    public ReadOnlyMemory<byte> Json => Reply.Shaped(writer =>
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
    });
}
