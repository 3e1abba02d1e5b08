using System.Globalization;

namespace Serval.Images.Tests;

/// <summary>The other process of the concurrency test: adds an image a number of times under changing tags.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is not ["add", var data, var directory, var name, var count])
        {
            return 2;
        }
        var store = new ImageStore(data);
        for (var i = 0; i < int.Parse(count, CultureInfo.InvariantCulture); i++)
        {
            var summary = await store.AddDirectoryAsync($"{name}:v{i}", directory, new ImageConfig { Entrypoint = ["/run"] });
            await store.OpenRootAsync(summary.Digest);
            if (i % 3 == 2)
            {
                await store.RemoveAsync($"{name}:v{i}");
            }
        }
        return 0;
    }
}
