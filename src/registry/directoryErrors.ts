import { AppError, isAppError } from '../domain/errors.js';

/** Does the work; what the file system refuses meanwhile is told of this directory. @throws E_DATA_DIRECTORY */
export async function withDirectoryErrors<T>(directory: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (isAppError(error) || typeof code !== 'string') throw error;
    throw new AppError('E_DATA_DIRECTORY', { directory, detail: (error as Error).message }, error);
  }
}
