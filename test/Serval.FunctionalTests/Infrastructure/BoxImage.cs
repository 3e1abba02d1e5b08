namespace Serval.Testing;

/// <summary>An image with a shell and tar, all of busybox.</summary>
internal static class BoxImage
{
    internal const string Name = "dev.local/box:1";

    private static readonly string[] s_programs =
        ["sh", "cat", "echo", "sleep", "ls", "tar", "id", "stty", "tty", "grep", "hostname", "httpd", "nc", "true", "mkdir", "head"];

    internal static async Task AddAsync(ServalProcess serval)
    {
        var directory = Directory.CreateTempSubdirectory("serval-box-").FullName;
        Directory.CreateDirectory(directory + "/bin");
        File.Copy(FunctionalTests.ServalFixture.Busybox, directory + "/bin/busybox");
        foreach (var program in s_programs)
        {
            File.CreateSymbolicLink($"{directory}/bin/{program}", "busybox");
        }
        var (code, _, errors) = await serval.RunAsync("image", "add", Name, directory, "--entrypoint", "/bin/sh");
        Directory.Delete(directory, recursive: true);
        Assert.True(code == 0, errors);
    }
}
