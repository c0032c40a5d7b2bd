/** `chancery helm ...`: what the chart is told about an instance. */
import { resolve } from 'node:path';
import { Command } from 'commander';

export function helmCommand(): Command {
	const helm = new Command('helm').description('Prepares an instance for the Helm chart.');
	helm
		.command('values')
		.description('Prints the values of the chart for an instance with one host per role.')
		.requiredOption('--instance <dir>', "folder that 'chancery init' made")
		.addHelpText(
			'after',
			`
The values hold no secret. What the pods read as files goes into one Secret per role; docs/operate/kubernetes.md has the
commands.

Example:
  $ chancery init --example kubernetes > answers.yaml
  $ chancery init --answers answers.yaml --out ./instance
  $ chancery helm values --instance ./instance > values.yaml`,
		)
		.action(async (options: { instance: string }) => {
			const [{ keptAnswers }, { chartValues }] = await Promise.all([
				import('@chancery/stack/bootstrap/init/kept-answers'),
				import('@chancery/stack/bootstrap/init/chart-values'),
			]);
			const folder = resolve(options.instance);
			process.stdout.write(await chartValues(folder, await keptAnswers(folder)));
		});
	return helm;
}
