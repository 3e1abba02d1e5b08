using System.Diagnostics;
using System.Globalization;

namespace Serval.Testing;

/// <summary>
/// A mount namespace of its own, held by a sleeping process: what is mounted in it nobody else sees, and all of it is gone with that process.
/// </summary>
internal sealed class PrivateMount : IAsyncDisposable
{
    private readonly Process _holder;

    private PrivateMount(Process holder) => _holder = holder;

    /// <summary>Why this machine does not let us have one; null when it does.</summary>
    internal static string? Refusal { get; } = Task.Run(FindRefusalAsync).GetAwaiter().GetResult();

    /// <summary>Runs a program inside.</summary>
    internal IReadOnlyList<string> Launcher => ["nsenter", "-t", _holder.Id.ToString(CultureInfo.InvariantCulture), "-m", "--"];

    /// <summary>Makes one and runs a shell script in it, which mounts things.</summary>
    internal static async Task<PrivateMount> CreateAsync(string script)
    {
        var holder = Start("unshare", "-m", "sh", "-ec", $"{script}\necho mounted\nexec sleep 3600");
        if (await holder.StandardOutput.ReadLineAsync() == "mounted")
        {
            return new PrivateMount(holder);
        }
        await holder.WaitForExitAsync();
        throw new InvalidOperationException($"unshare -m ended with {holder.ExitCode}: {await holder.StandardError.ReadToEndAsync()}");
    }

    /// <summary>A path inside, as it is reached from outside.</summary>
    internal string Seen(string path) => $"/proc/{_holder.Id}/root{path}";

    public async ValueTask DisposeAsync()
    {
        _holder.Kill();
        await _holder.WaitForExitAsync();
        _holder.Dispose();
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
        ?? throw new InvalidOperationException($"{program} did not start");

    private static async Task<string?> FindRefusalAsync()
    {
        try
        {
            await using var probe = await CreateAsync("mount -t tmpfs -o size=64k none /tmp");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"this machine gives no private mounts (root and util-linux are needed): {e.Message}";
        }
    }
}

/// <summary>A test that mounts file systems. Skipped, saying why, where the machine does not allow that.</summary>
internal sealed class MountFactAttribute : FactAttribute
{
    public MountFactAttribute() => Skip = PrivateMount.Refusal;
}
