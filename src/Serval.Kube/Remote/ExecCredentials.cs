using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Kube.Remote;

/// <summary>
/// Credentials of an exec plugin (client-go: plugin/pkg/client/auth/exec): run once, kept until they expire or the server refuses them. The
/// program has a minute and may say a megabyte.
/// </summary>
internal sealed class ExecCredentials(ExecCommand command, X509Certificate2? certificate, TimeProvider time) : ICredentialSource
{
    private const int MostOutput = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Task<Issued>? _run; // guarded by _lock; one run serves all who wait

    public async ValueTask<Credential> GetAsync(Credential? refused, CancellationToken ct)
    {
        Task<Issued> run;
        lock (_lock)
        {
            run = _run = _run is null || IsSpent(_run, refused) ? Task.Run(RunAsync, CancellationToken.None) : _run;
        }
        return (await run.WaitAsync(ct)).Credential;
    }

    private bool IsSpent(Task<Issued> run, Credential? refused) =>
        run.IsCompleted && (!run.IsCompletedSuccessfully || ReferenceEquals(run.Result.Credential, refused) || run.Result.Expires <= time.GetUtcNow());

    private async Task<Issued> RunAsync()
    {
        using var patience = new CancellationTokenSource(s_patience, time);
        using var process = Start();
        try
        {
            process.StandardInput.Close();
            var (output, errors) = (TextAsync(process.StandardOutput, patience.Token), TextAsync(process.StandardError, patience.Token));
            await foreach (var said in Task.WhenEach(output, errors))
            {
                await said; // whichever is too long ends both
            }
            await process.WaitForExitAsync(patience.Token);
            return process.ExitCode == 0
                ? Read(await output)
                : throw new KubeConfigException($"exec: executable {command.Program} failed with exit code {process.ExitCode}{(await errors is { Length: > 0 } why ? ": " + why.Trim() : "")}");
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new KubeConfigException($"exec: executable {command.Program} gave no credential within {s_patience.TotalSeconds:0} seconds");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(command.Program, command.Arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        foreach (var (name, value) in command.Environment)
        {
            start.Environment[name] = value;
        }
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new KubeConfigException($"exec: executable {command.Program} not found: {e.Message}{(command.InstallHint.Length > 0 ? "\n" + command.InstallHint : "")}", e);
        }
    }

    private async Task<string> TextAsync(StreamReader reader, CancellationToken ct)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, ct) is > 0 and var count)
        {
            text.Append(buffer, 0, count);
            if (text.Length > MostOutput)
            {
                throw new KubeConfigException($"exec: executable {command.Program} said more than {MostOutput} characters");
            }
        }
        return text.ToString();
    }

    private Issued Read(string output)
    {
        try
        {
            var answer = JsonNode.Parse(output) as JsonObject ?? throw new FormatException("it is not an object");
            var version = KubeConfig.Text(answer, "apiVersion");
            if (KubeConfig.Text(answer, "kind") != "ExecCredential" || version != command.ApiVersion)
            {
                throw new FormatException($"expected an ExecCredential of {command.ApiVersion}, found {KubeConfig.Text(answer, "kind")} of {version}");
            }
            var status = answer["status"] as JsonObject ?? throw new FormatException("it has no status");
            var (token, own, key) = (KubeConfig.Text(status, "token"), KubeConfig.Text(status, "clientCertificateData"), KubeConfig.Text(status, "clientKeyData"));
            if ((own.Length > 0) != (key.Length > 0) || token.Length + own.Length == 0)
            {
                throw new FormatException("its status holds neither a token nor a certificate with its key");
            }
            var until = KubeConfig.Text(status, "expirationTimestamp");
            return new Issued(
                Credential.Bearer(token, own.Length > 0 ? X509Certificate2.CreateFromPem(own, key) : certificate),
                until.Length > 0 ? DateTimeOffset.Parse(until, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : null);
        }
        catch (Exception e) when (e is JsonException or FormatException or CryptographicException)
        {
            throw new KubeConfigException($"exec: the credential of {command.Program} cannot be read: {e.Message}", e);
        }
    }

    private sealed record Issued(Credential Credential, DateTimeOffset? Expires);
}
